#include "tests/crash/faulty_program.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace hotexpert::testing_support {
namespace {

std::vector<LoggedCall> read_log(const std::string& path) {
  std::istringstream in(read_file(path));
  std::vector<LoggedCall> calls;
  for (std::string line; std::getline(in, line);) {
    // NAME PATH PATH2 BYTES, of which PATH2 may be empty; the tests' folders have no blanks
    std::vector<std::string> words(1);
    for (const char c : line) {
      if (c == ' ') {
        words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    LoggedCall call{words.at(0), words.at(1), words.at(2), std::string(std::stoul(words.at(3)), 0)};
    in.read(call.bytes.data(), static_cast<std::streamsize>(call.bytes.size()));
    in.ignore(1);
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace

FaultyResult run_faulty(const std::vector<std::string>& args, const std::string& folder,
                        const Fault& fault) {
  const std::string log = fresh_folder("calls.log");
  std::vector<std::string> environment = {
      std::string("LD_PRELOAD=") + HOTEXPERT_BINARY_DIR + "/libio_faults.so",
      "ASAN_OPTIONS=verify_asan_link_order=0", "HOTEXPERT_FAULTS_DIR=" + folder,
      "HOTEXPERT_FAULTS_LOG=" + log};
  if (!fault.kind.empty()) {
    environment.push_back("HOTEXPERT_FAULTS_KIND=" + fault.kind);
    environment.push_back("HOTEXPERT_FAULTS_AT=" + std::to_string(fault.at));
    if (fault.always) environment.emplace_back("HOTEXPERT_FAULTS_ALWAYS=1");
  }
  FaultyResult result{run_hotexpert(args, environment), {}};
  result.calls = read_log(log);
  return result;
}

std::map<std::string, std::string> files_below(const std::string& folder) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path().string());
  }
  return files;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

long acknowledged(const std::vector<LoggedCall>& calls) {
  long written = 0;
  long safe = 0;
  for (const auto& call : calls) {
    if (!call.path.ends_with("/points.jsonl")) continue;
    if (call.name == "write") written += std::count(call.bytes.begin(), call.bytes.end(), '\n');
    if (call.name == "fsync") safe = written;
  }
  return safe;
}

long reused(const ProgramResult& result) {
  std::smatch match;
  return std::regex_search(result.err, match, std::regex("(\\d+) of them from before"))
             ? std::stol(match[1])
             : 0;
}

}  // namespace hotexpert::testing_support
