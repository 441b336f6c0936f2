#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace hotexpert::testing_support {

/// What becomes of one call that writes below a folder; see io_faults.cpp.
struct Fault {
  std::string kind;     ///< kill, torn, short, ENOSPC, EIO, EINTR; "" = none
  long at = 0;          ///< which call, from 1
  bool always = false;  ///< the calls after it, too
};

/// A call that the program made and that succeeded.
struct LoggedCall {
  std::string
      name;  ///< open, create, write, pwrite, fsync, ftruncate, close, rename, mkdir, unlink
  std::string path;
  std::string path2;  ///< where rename moved it; the length of ftruncate
  std::string bytes;  ///< what was written
};

struct FaultyResult {
  ProgramResult program;
  std::vector<LoggedCall> calls;
};

constexpr int kKilled = 128 + 9;

/// Runs hotexpert with a fault among the calls that write below `folder`.
FaultyResult run_faulty(const std::vector<std::string>& args, const std::string& folder,
                        const Fault& fault = {});

/// Points whose line in points.jsonl was on disk: append() may have returned.
long acknowledged(const std::vector<LoggedCall>& calls);

/// Points that a resumed run found finished, as it says.
long reused(const ProgramResult& result);

/// Every regular file below a folder: name relative to it -> bytes.
std::map<std::string, std::string> files_below(const std::string& folder);

std::string read_file(const std::string& path);
void write_text(const std::string& path, const std::string& text);

}  // namespace hotexpert::testing_support
