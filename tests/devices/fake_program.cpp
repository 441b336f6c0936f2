// What is wrong with the device that `hotexpert_on_fake_device` runs on, from the environment:
// HOTEXPERT_FAKE_CUDA="driver=12040 fail=120 code=700 sticky=1": set() below lists the words.
// HOTEXPERT_FAKE_CUDA_SEEN names a file for what was seen at a normal end: "calls 812 leaks none".

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/devices/fake_cuda.hpp"

namespace hotexpert::test {
namespace {

void set(FakeCuda& device, const std::string& key, const std::string& value) {
  const auto number = [&] { return std::stoll(value); };
  if (key == "driver") {
    device.driver_version = static_cast<int>(number());
  } else if (key == "devices") {
    device.devices = static_cast<int>(number());
  } else if (key == "memory") {
    device.memory_bytes = number();
  } else if (key == "fail") {
    device.fault.call = number();
  } else if (key == "code") {
    device.fault.code = static_cast<int>(number());
  } else if (key == "sticky") {
    device.fault.sticky = number() != 0;
  } else if (key == "only") {
    device.fault.only = value;
  } else if (key == "hang") {
    device.hang_call = number();
  } else if (key == "missing") {
    device.missing_library = value;
  } else if (key == "cupti") {
    device.cupti = value;
  } else if (key == "mapped") {  // as a profiler's library is that watches from outside
    const int file = open(value.c_str(), O_RDONLY);
    if (file < 0 || mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED) std::abort();
  } else {
    std::cerr << "HOTEXPERT_FAKE_CUDA: what is '" << key << "'?\n";
    std::abort();
  }
}

/// Plants the faults before main() and tells what was seen after it.
struct Device {
  Device() {
    const char* text = std::getenv("HOTEXPERT_FAKE_CUDA");
    std::istringstream words(text == nullptr ? "" : text);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      set(fake_cuda(), word.substr(0, equals), word.substr(equals + 1));
    }
  }
  ~Device() {
    const char* path = std::getenv("HOTEXPERT_FAKE_CUDA_SEEN");
    if (path == nullptr) return;
    const auto& device = fake_cuda();
    std::ofstream(path) << "calls " << device.calls << " leaks "
                        << (device.leaks().empty() ? "none" : device.leaks()) << " misuse "
                        << device.misuse.size() << '\n';
  }
};
const Device kDevice;

}  // namespace
}  // namespace hotexpert::test
