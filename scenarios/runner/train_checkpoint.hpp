#pragma once

#include <string>

#include "sim/core/point_result.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert {

/// The half-trained state of one point in a run folder: RUN_DIR/checkpoints/<crc of the point>.
/// Written whole or not at all, fsynced, removed when the point is finished.
class TrainCheckpoint {
 public:
  TrainCheckpoint(const std::string& run_dir, const Point& point);

  /// Goes on from the saved state, where there is one.
  /// @return empty, or why a saved state could not be used (the trainer then begins anew)
  std::string restore(training::Trainer& trainer) const;
  /// @throws OutputError
  void save(training::Trainer& trainer) const;
  void remove() const;

 private:
  std::string folder_;
  std::string path_;
};

/// Removes the empty folder of a run's checkpoints; only when no point can save one any more.
void remove_checkpoint_folder(const std::string& run_dir);

}  // namespace hotexpert
