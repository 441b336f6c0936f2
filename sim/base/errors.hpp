#pragma once

#include <stdexcept>
#include <string>

namespace hotexpert {

/// Process exit codes, as documented in README.md and `hotexpert --help`.
enum class ExitCode : int {
  kDone = 0,
  kPointsFailed = 1,   ///< some points failed, or `compare` found a regression
  kUsage = 2,          ///< command line or scenario file
  kBadInput = 3,       ///< a trace, run folder or other input file
  kDeviceMissing = 4,  ///< a device the user asked for is absent, or was lost while it ran
  kOutputFailed = 5,  ///< output could not be written; what is finished is safe, `--resume` goes on
};

/// An error with one clear sentence for the user and the exit code that goes with it.
/// Messages name file, line, key and value where there are any, and say what to change.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// Command line, scenario file, or an unsupported combination of choices.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

/// A file that cannot be read, is damaged, or holds values out of range.
class InputError : public Error {
 public:
  explicit InputError(const std::string& message) : Error(ExitCode::kBadInput, message) {}
};

/// A device that was asked for by name and is not there, or that failed.
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message) : Error(ExitCode::kDeviceMissing, message) {}
};

/// More memory was asked for than a device has free. The device is well: a sweep skips the point.
class NotEnoughMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Output that could not be written.
class OutputError : public Error {
 public:
  explicit OutputError(const std::string& message) : Error(ExitCode::kOutputFailed, message) {}
};

}  // namespace hotexpert
