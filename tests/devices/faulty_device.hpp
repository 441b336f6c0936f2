#pragma once

#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace hotexpert::test {

/// Runs `hotexpert` on a fake device with faults, words as fake_program.cpp lists them.
testing_support::ProgramResult run_on_fake(const std::vector<std::string>& args,
                                           const std::string& faults = "");

/// "sweep FILE -o RUN_DIR" and more words: a scenario of three small points on backend cuda.
std::vector<std::string> small_sweep(const std::string& run_dir,
                                     const std::vector<std::string>& more = {});

/// Outcome, reason and metrics of the points in a run folder, in order; none without a folder.
struct SeenPoint {
  std::string outcome;
  std::string reason;
  bool timed = false;  ///< layer.total_s is there
  std::vector<std::string> warnings;
};
std::vector<SeenPoint> seen_points(const std::string& run_dir);

/// "ok failed": their outcomes, in order.
std::string outcomes(const std::vector<SeenPoint>& points);

/// The one line of stderr that begins with "hotexpert: "; it speaks of no bug.
std::string last_word(const testing_support::ProgramResult& result);

}  // namespace hotexpert::test
