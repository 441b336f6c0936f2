#pragma once

#include <barrier>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "profiler/communicator.hpp"

namespace hotexpert::testing {

/// Ranks as threads of one process: the slow, obvious twin of MPI.
class ThreadWorld {
 public:
  explicit ThreadWorld(int size)
      : size_(size), barrier_(size), sends_(at(size)), texts_(at(size)) {}

  /// Runs body(ranks) on `size` threads, each a rank.
  void run(const std::function<void(Communicator&)>& body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size_; ++rank) {
      threads.emplace_back([&, rank] {
        Member member(*this, rank);
        body(member);
      });
    }
    for (auto& thread : threads) thread.join();
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  struct Sent {
    const std::byte* data = nullptr;
    const RowExchange* rows = nullptr;
    std::vector<double> values;
  };

  class Member final : public Communicator {
   public:
    Member(ThreadWorld& world, int rank) : world_(world), rank_(rank) {}
    [[nodiscard]] int rank() const override { return rank_; }
    [[nodiscard]] int size() const override { return world_.size_; }
    void barrier() override { world_.barrier_.arrive_and_wait(); }

    void all_to_all(const std::byte* send, std::byte* receive, const RowExchange& rows) override {
      world_.sends_[at(rank_)] = {send, &rows, {}};
      barrier();
      for (int from = 0; from < size(); ++from) {
        const Sent& other = world_.sends_[at(from)];
        std::int64_t first = 0;
        for (int to = 0; to < rank_; ++to) first += other.rows->send[at(to)];
        const auto bytes = at(other.rows->send[at(rank_)] * rows.row_bytes);
        if (bytes > 0) std::memcpy(receive, other.data + first * rows.row_bytes, bytes);
        receive += bytes;
      }
      barrier();
    }

    std::vector<double> gather(std::span<const double> mine) override {
      world_.sends_[at(rank_)].values.assign(mine.begin(), mine.end());
      barrier();
      std::vector<double> all;
      for (const auto& sent : world_.sends_)
        all.insert(all.end(), sent.values.begin(), sent.values.end());
      barrier();
      return all;
    }

    std::string broadcast(const std::string& text) override {
      if (rank_ == 0) world_.texts_[0] = text;
      barrier();
      std::string told = world_.texts_[0];
      barrier();
      return told;
    }

   private:
    ThreadWorld& world_;
    int rank_;
  };

  int size_;
  std::barrier<> barrier_;
  std::vector<Sent> sends_;
  std::vector<std::string> texts_;
};

}  // namespace hotexpert::testing
