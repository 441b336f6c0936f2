#pragma once

#include <string>
#include <vector>

namespace hotexpert::testing_support {

/// What a finished program left behind.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when it was killed
  std::string out;
  std::string err;
};

/// Runs the built `hotexpert` in the source folder and waits for it.
/// @param environment further variables, "NAME=value"
ProgramResult run_hotexpert(const std::vector<std::string>& args,
                            const std::vector<std::string>& environment = {});

/// Runs any program with `args[0]` as its path.
ProgramResult run_program(const std::vector<std::string>& args,
                          const std::vector<std::string>& environment = {});

/// A fresh empty folder for the running test, removed before it is made again.
std::string fresh_folder(const std::string& name);

}  // namespace hotexpert::testing_support
