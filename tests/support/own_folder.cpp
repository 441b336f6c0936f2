// Linked into every test program: `temp_directory_path()` and `testing::TempDir()` name a folder of
// this process alone, removed at its end. ctest runs many tests at once, each a process of its own;
// two builds may be tested at once too. In memory where it can be: the run store waits for the disk
// at every line.
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;

class OwnFolder {
 public:
  OwnFolder() {
    std::string path = (base() / "hotexpert-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      std::perror(path.c_str());
      ::_exit(1);
    }
    path_ = path;
    ::setenv("TMPDIR", path.c_str(), 1);
    ::setenv("TEST_TMPDIR", path.c_str(), 1);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder() {
    if (::getpid() != owner_) return;  // a child that came here by exit()
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

 private:
  static fs::path base() {
    constexpr std::uintmax_t kEnough = std::uintmax_t{2} << 30;  // bytes free
    const fs::path memory = "/dev/shm";
    std::error_code none;
    const bool usable = ::getenv("TMPDIR") == nullptr && ::access(memory.c_str(), W_OK) == 0 &&
                        fs::space(memory, none).available >= kEnough && !none;
    return usable ? memory : fs::temp_directory_path();
  }

  const pid_t owner_ = ::getpid();
  fs::path path_;
};

const OwnFolder g_own_folder;

}  // namespace
