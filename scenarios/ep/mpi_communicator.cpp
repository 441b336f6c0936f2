#include "scenarios/ep/mpi_communicator.hpp"

#include <mpi.h>

#include <climits>
#include <cstdlib>
#include <map>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// MPI counts in int: rows, and the rows before each part.
struct Parts {
  std::vector<int> rows;
  std::vector<int> first;
};

Parts parts_of(const std::vector<std::int64_t>& rows) {
  Parts parts;
  std::int64_t sum = 0;
  for (const std::int64_t part : rows) {
    parts.rows.push_back(static_cast<int>(part));
    parts.first.push_back(static_cast<int>(sum));
    sum += part;
  }
  if (sum > INT_MAX)
    throw UsageError("a rank exchanges more than 2^31 - 1 rows; lower step.tokens");
  return parts;
}

class MpiWorld final : public Communicator {
 public:
  MpiWorld() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~MpiWorld() override { MPI_Finalize(); }
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void barrier() override { MPI_Barrier(MPI_COMM_WORLD); }

  void all_to_all(const std::byte* send, std::byte* receive, const RowExchange& rows) override {
    const Parts to = parts_of(rows.send);
    const Parts from = parts_of(rows.receive);
    MPI_Datatype row = row_type(rows.row_bytes);
    MPI_Alltoallv(send, to.rows.data(), to.first.data(), row, receive, from.rows.data(),
                  from.first.data(), row, MPI_COMM_WORLD);
  }

  std::vector<double> gather(std::span<const double> mine) override {
    std::vector<double> all(mine.size() * static_cast<std::size_t>(size_));
    const auto count = static_cast<int>(mine.size());
    MPI_Allgather(mine.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
    return all;
  }

  std::string broadcast(const std::string& text) override {
    auto length = static_cast<unsigned long long>(text.size());
    MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, MPI_COMM_WORLD);
    std::string received = text;
    received.resize(length);
    MPI_Bcast(received.data(), static_cast<int>(length), MPI_CHAR, 0, MPI_COMM_WORLD);
    return received;
  }

 private:
  MPI_Datatype row_type(std::int64_t bytes) {
    auto& type = row_types_[bytes];
    if (type == nullptr) {
      MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type);
      MPI_Type_commit(&type);
    }
    return type;
  }

  int rank_ = 0;
  int size_ = 1;
  std::map<std::int64_t, MPI_Datatype> row_types_;  // freed with MPI
};

}  // namespace

std::unique_ptr<Communicator> join_world(int* argc, char*** argv) {
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  return std::make_unique<MpiWorld>();
}

void abort_world(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();
}

}  // namespace hotexpert
