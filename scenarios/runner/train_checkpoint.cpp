#include "scenarios/runner/train_checkpoint.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "reports/checksum.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/output_file.hpp"

namespace hotexpert {
namespace {

std::string folder_of(const std::string& run_dir) { return run_dir + "/checkpoints"; }

}  // namespace

TrainCheckpoint::TrainCheckpoint(const std::string& run_dir, const Point& point)
    : folder_(folder_of(run_dir)),
      path_(fmt::format("{}/{:08x}", folder_, crc32(point_key(point)))) {}

std::string TrainCheckpoint::restore(training::Trainer& trainer) const {
  if (!std::filesystem::exists(path_)) return "";
  try {
    const std::string bytes = read_whole_file(path_);
    trainer.restore(std::as_bytes(std::span(bytes)));
  } catch (const InputError& error) {
    trainer = training::Trainer(trainer.config());
    return fmt::format("{}: {}", path_, error.what());
  }
  return "";
}

void TrainCheckpoint::save(training::Trainer& trainer) const {
  const auto bytes = trainer.checkpoint();
  try {
    make_folders(system_files(), folder_);
    write_file(system_files(), path_,
               std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } catch (const OutputError& error) {
    throw resumable(error);
  }
}

void TrainCheckpoint::remove() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void remove_checkpoint_folder(const std::string& run_dir) {
  std::error_code ignored;
  std::filesystem::remove(folder_of(run_dir), ignored);
}

}  // namespace hotexpert
