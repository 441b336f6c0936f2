#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// The folders each folder may include, itself aside. The longest matching prefix of a file's path
/// decides.
struct LayerRow {
  std::string folder;
  std::vector<std::string> may_include;
};

const std::vector<LayerRow> kLayers = {
    {"sim/base", {}},
    {"sim/core", {"sim/base"}},
    {"sim/metrics", {"sim/base", "sim/core"}},
    {"sim/routing", {"sim/base", "sim/core", "sim/metrics"}},
    {"sim/traces", {"sim/base", "sim/core", "sim/metrics"}},
    {"sim/model", {"sim/base", "sim/core", "sim/metrics"}},
    {"sim/placement", {"sim/base", "sim/core", "sim/metrics", "sim/model"}},
    {"sim/training", {"sim/base", "sim/core", "sim/metrics", "sim/routing", "sim/traces"}},
    {"kernels/plugin", {"sim/base", "sim/core"}},
    {"kernels/cpu", {"sim/base", "sim/core", "kernels", "kernels/plugin"}},
    {"kernels/cuda", {"sim/base", "sim/core", "kernels", "kernels/plugin"}},
    {"kernels", {"sim/base", "sim/core"}},
    {"profiler", {"sim", "kernels", "kernels/cpu", "kernels/plugin", "kernels/cuda/plan"}},
    {"reports", {"sim/base", "sim/core"}},
    {"scenarios",
     {"sim", "kernels", "kernels/cpu", "kernels/plugin", "kernels/cuda/plan", "profiler",
      "reports"}},
};

/// Exceptions, file by file.
const std::vector<LayerRow> kExceptions = {{"profiler/cuda_backend.cpp", {"kernels/cuda"}}};

/// Heavy headers may be included only by the files that the rule's pattern names.
struct HeavyRow {
  std::string header;
  std::regex allowed;
};

const std::vector<HeavyRow> kHeavy = {
    {R"(nlohmann/)", std::regex(R"(sim/base/json\.cpp)")},
    {R"(toml\+\+/)", std::regex(R"(scenarios/runner/(scenario_file|device_file)\.cpp)")},
    {R"(boost/program_options)", std::regex(R"(scenarios/cli/[a-z_]+\.cpp)")},
    {R"(mpi\.h)", std::regex(R"(scenarios/ep/mpi_communicator\.cpp)")},
    {R"(Eigen/)", std::regex(R"((sim|kernels/cpu|tests)/.*\.cpp)")},
    {R"(fmt/|Eigen/|boost/|nlohmann/|toml)", std::regex(R"(.*\.(cpp|hpp))")},
};

bool starts_with_folder(const std::string& path, const std::string& folder) {
  return path == folder || path.rfind(folder + "/", 0) == 0;
}

const LayerRow* row_of(const std::string& path) {
  const LayerRow* best = nullptr;
  for (const auto& row : kLayers) {
    if (starts_with_folder(path, row.folder) &&
        (best == nullptr || row.folder.size() > best->folder.size())) {
      best = &row;
    }
  }
  return best;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  const fs::path root = HOTEXPERT_SOURCE_DIR;
  for (const char* top : {"sim", "kernels", "profiler", "scenarios", "reports"}) {
    for (auto it = fs::recursive_directory_iterator(root / top);
         it != fs::recursive_directory_iterator(); ++it) {
      if (it->path().filename() == "node_modules") it.disable_recursion_pending();
      const auto extension = it->path().extension();
      if (extension == ".cpp" || extension == ".hpp" || extension == ".cu" || extension == ".cuh") {
        files.push_back(fs::relative(it->path(), root));
      }
    }
  }
  return files;
}

std::vector<std::string> includes_of(const fs::path& file) {
  std::ifstream in(fs::path(HOTEXPERT_SOURCE_DIR) / file);
  std::vector<std::string> found;
  const std::regex pattern(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, match, pattern)) found.push_back(match[1]);
  }
  return found;
}

bool may_include(const std::string& file, const std::string& header) {
  const auto* row = row_of(file);
  if (row == nullptr || starts_with_folder(header, row->folder)) return true;
  auto allowed = row->may_include;
  for (const auto& exception : kExceptions) {
    if (exception.folder == file)
      allowed.insert(allowed.end(), exception.may_include.begin(), exception.may_include.end());
  }
  for (const auto& folder : allowed) {
    // "kernels" stands for the files directly in kernels/, not for its subfolders.
    if (folder == "kernels"
            ? header.find('/') == header.rfind('/') && starts_with_folder(header, "kernels")
            : starts_with_folder(header, folder)) {
      return true;
    }
  }
  return false;
}

TEST(LayeringTest, EveryIncludeFollowsTheTable) {
  int checked = 0;
  for (const auto& file : sources()) {
    for (const auto& header : includes_of(file)) {
      if (row_of(header) == nullptr) continue;
      ++checked;
      EXPECT_TRUE(may_include(file.string(), header)) << file << " may not include " << header;
    }
  }
  EXPECT_GT(checked, 20);
}

TEST(LayeringTest, TheTableRefusesWhatItShould) {
  EXPECT_FALSE(may_include("reports/html.cpp", "profiler/measure.hpp"));
  EXPECT_FALSE(may_include("sim/base/json.cpp", "sim/core/ids.hpp"));
  EXPECT_FALSE(may_include("profiler/measure.cpp", "kernels/cuda/top_k.hpp"));
  EXPECT_TRUE(may_include("profiler/cuda_backend.cpp", "kernels/cuda/top_k.hpp"));
  EXPECT_TRUE(may_include("profiler/measure.cpp", "kernels/cuda/plan/tiles.hpp"));
}

TEST(LayeringTest, HeavyHeadersStayInTheirFiles) {
  for (const auto& file : sources()) {
    for (const auto& header : includes_of(file)) {
      for (const auto& rule : kHeavy) {
        if (std::regex_search(header, std::regex("^(" + rule.header + ")"))) {
          EXPECT_TRUE(std::regex_match(file.string(), rule.allowed))
              << file << " may not include " << header;
        }
      }
    }
  }
}

TEST(LayeringTest, EverySourceFileIsBuilt) {
  for (const auto& file : sources()) {
    if (file.extension() != ".cpp") continue;
    bool named = false;
    for (auto folder = file.parent_path(); !folder.empty() && !named;
         folder = folder.parent_path()) {
      std::ifstream in(fs::path(HOTEXPERT_SOURCE_DIR) / folder / "CMakeLists.txt");
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      named = text.find(fs::relative(file, folder).string()) != std::string::npos;
    }
    EXPECT_TRUE(named) << file << " is in no CMakeLists.txt";
  }
}

}  // namespace
