#include "scenarios/cli/job_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "sim/base/errors.hpp"

namespace hotexpert {

JobFolder::JobFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hotexpert-job-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw OutputError(fmt::format("{}: cannot be made: {}", pattern, std::strerror(errno)));
  path_ = pattern;
}

JobFolder::~JobFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hotexpert
