#include "scenarios/runner/train_checkpoint.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "reports/checksum.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {

TrainCheckpoint::TrainCheckpoint(const std::string& run_dir, const Point& point)
    : folder_(run_dir + "/checkpoints"),
      path_(fmt::format("{}/{:08x}", folder_, crc32(point_key(point)))) {}

std::string TrainCheckpoint::restore(training::Trainer& trainer) const {
  std::ifstream in(path_, std::ios::binary);
  if (!in) return "";
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  try {
    trainer.restore(std::as_bytes(std::span(bytes)));
  } catch (const InputError& error) {
    trainer = training::Trainer(trainer.config());
    return fmt::format("{}: {}", path_, error.what());
  }
  return "";
}

void TrainCheckpoint::save(training::Trainer& trainer) const {
  const auto bytes = trainer.checkpoint();
  make_folders(system_files(), folder_);
  write_file(system_files(), path_,
             std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void TrainCheckpoint::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  std::filesystem::remove(folder_, ignored);  // once it is empty
}

}  // namespace hotexpert
