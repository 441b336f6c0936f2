#pragma once

#include <string>
#include <vector>

namespace hotexpert::testing_support {

/// A sweep of three small points without a backend; the second's loads are too many for its line,
/// so that every kind of file of a run folder is written.
std::vector<std::string> tiny_sweep(const std::string& run_dir);

/// The same with --resume.
std::vector<std::string> tiny_resume(const std::string& run_dir);

/// The files of a sweep that nothing disturbed, but for the lock and the manifest's times.
struct RunFiles {
  std::vector<std::string> names;
  std::string points;     ///< points.jsonl
  std::string artifacts;  ///< all of them, one behind the other
};
RunFiles run_files(const std::string& run_dir);

/// Those of an undisturbed tiny_sweep, run once.
const RunFiles& undisturbed();

/// Expects that a run folder holds what an undisturbed sweep writes, and nothing else.
void expect_undisturbed(const std::string& run_dir, const std::string& what);

}  // namespace hotexpert::testing_support
