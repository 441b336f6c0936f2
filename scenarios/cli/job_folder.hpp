#pragma once

#include <string>

namespace hotexpert {

/// A folder of its own for the files of one job, removed with everything in it at the end.
class JobFolder {
 public:
  JobFolder();  ///< in TMPDIR, or /tmp   @throws OutputError
  ~JobFolder();
  JobFolder(const JobFolder&) = delete;
  JobFolder& operator=(const JobFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace hotexpert
