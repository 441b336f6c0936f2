#include "profiler/environment.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "profiler/build_info.hpp"
#include "profiler/host_facts.hpp"

namespace hotexpert {
namespace {

/// The only environment variables that are ever read into a record.
constexpr std::array kThreadVariables = {"OMP_NUM_THREADS", "OMP_PROC_BIND",   "OMP_PLACES",
                                         "OMP_DYNAMIC",     "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"};
constexpr std::array kOneDnnVariables = {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
                                         "ONEDNN_DEFAULT_FPMATH_MODE"};
constexpr std::size_t kLongestValue = 64;

Json text_or_absent(std::string_view text, std::string_view reason) {
  return text.empty() ? absent(std::string(reason)) : Json(text);
}

bool is_harmless(std::string_view value) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_,.:{}()+- ";
  return value.size() <= kLongestValue &&
         value.find_first_not_of(kAllowed) == std::string_view::npos;
}

template <std::size_t N>
Json variables(const std::array<const char*, N>& names) {
  Json found = Json::object();
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value == nullptr) continue;
    found.set(name, is_harmless(value) ? Json(value) : absent("the value is not of a known form"));
  }
  return found;
}

Json build_facts() {
  const auto& info = build_info();
  Json facts;
  facts.set("version", info.version);
  facts.set("git", text_or_absent(info.git_describe, "not configured in a git work tree"));
  facts.set("compiler", info.compiler);
  facts.set("type", info.build_type);
  facts.set("flags", info.flags);
  facts.set("nvtx", info.nvtx ? Json(true) : absent("built without the NVTX headers"));
  return facts;
}

std::string_view instruction_set_name(dnnl::cpu_isa isa) {
  using dnnl::cpu_isa;
  switch (isa) {
    case cpu_isa::sse41:
      return "sse41";
    case cpu_isa::avx:
      return "avx";
    case cpu_isa::avx2:
      return "avx2";
    case cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case cpu_isa::avx512_core:
      return "avx512_core";
    case cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "";
  }
}

Json onednn_facts() {
  const auto* version = dnnl::version();
  Json facts;
  facts.set("version", fmt::format("{}.{}.{}", version->major, version->minor, version->patch));
  facts.set("instruction_set", text_or_absent(instruction_set_name(dnnl::get_effective_cpu_isa()),
                                              "oneDNN names a set that is not known here"));
  facts.set("variables", variables(kOneDnnVariables));
  return facts;
}

Json openmp_facts() {
  constexpr std::array kBindings = {"false", "true", "primary", "close", "spread"};
  const auto binding = static_cast<std::size_t>(omp_get_proc_bind());
  Json facts;
  facts.set("threads", omp_get_max_threads());
  facts.set("proc_bind", binding < kBindings.size() ? Json(kBindings[binding])
                                                    : absent("a binding that is not known here"));
  facts.set("places", omp_get_num_places());
  facts.set("variables", variables(kThreadVariables));
  return facts;
}

Json cuda_facts(const std::filesystem::path& root) {
  Json facts;
  facts.set("toolkit", text_or_absent(build_info().cuda_toolkit, "built without nvcc"));
  facts.set("gpu", gpu_facts(root));
  return facts;
}

/// Whether a program of this name is found along PATH. The path itself is not recorded.
bool is_installed(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + std::string(program)).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Json tool_facts() {
  Json facts;
  for (const char* tool : {"nsys", "ncu"}) facts.set(tool, is_installed(tool));
  return facts;
}

}  // namespace

Json environment_record(const std::filesystem::path& system_root) {
  Json record;
  record.set("processor", processor_facts(system_root));
  record.set("memory", memory_facts(system_root));
  record.set("system", system_facts(system_root));
  record.set("load_average", load_average(system_root));
  record.set("build", build_facts());
  record.set("onednn", onednn_facts());
  record.set("openmp", openmp_facts());
  record.set("cuda", cuda_facts(system_root));
  record.set("tools", tool_facts());
  return record;
}

MachineLoad machine_load(const Json& environment) {
  const auto& load = environment.at("load_average");
  MachineLoad result;
  result.load_average = load.is_number() ? load.as_double() : 0;
  result.processors = static_cast<int>(environment.at("processor").at("processors").as_integer());
  return result;
}

}  // namespace hotexpert
