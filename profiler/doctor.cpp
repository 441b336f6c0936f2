#include "profiler/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "profiler/environment.hpp"

namespace hotexpert {
namespace {

struct Finding {
  Health health;
  std::string sentence;
};

const Json* absence(const Json& fact) { return fact.is_object() ? fact.find("absent") : nullptr; }

std::string text(const Json& fact) {
  const auto* reason = absence(fact);
  return reason == nullptr ? fact.as_string() : reason->as_string();
}

Finding build(const Json& environment) {
  const auto& facts = environment.at("build");
  const auto& type = facts.at("type").as_string();
  const auto found = fmt::format("Version {}, {} build by {}.", facts.at("version").as_string(),
                                 type, facts.at("compiler").as_string());
  if (type == "Release") return {Health::kOk, found};
  return {Health::kWarn, found +
                             " Its times are not those of a release build: configure with `cmake "
                             "--preset release`."};
}

Finding processors(const Json& environment) {
  const auto& facts = environment.at("processor");
  const auto count = facts.at("processors").as_integer();
  const auto found = fmt::format("{} processors, {}.", count, text(facts.at("model")));
  const auto& quota = facts.at("processor_quota");
  if (absence(quota) != nullptr || quota.as_double() >= static_cast<double>(count))
    return {Health::kOk, found};
  return {Health::kWarn,
          fmt::format("{} The control group allows {:.3g} of them, so threads are stopped now and "
                      "then: run with OMP_NUM_THREADS={:.0f}.",
                      found, quota.as_double(), std::max(1.0, quota.as_double()))};
}

Finding governor(const Json& environment) {
  const auto& fact = environment.at("processor").at("governor");
  if (const auto* reason = absence(fact))
    return {Health::kMissing, fmt::format("The clock cannot be checked: {}. Repeat a run to see "
                                          "whether times are stable.",
                                          reason->as_string())};
  if (fact.as_string() == "performance") return {Health::kOk, "Frequency governor `performance`."};
  return {Health::kWarn, fmt::format("Frequency governor `{}`: the clock changes while measuring. "
                                     "Use `cpupower frequency-set -g performance`.",
                                     fact.as_string())};
}

Finding load(const Json& environment) {
  const auto load = machine_load(environment);
  const auto found =
      fmt::format("Load average {:.2f} on {} processors.", load.load_average, load.processors);
  if (load.load_average <= 0.5 * load.processors) return {Health::kOk, found};
  return {Health::kWarn, found + " Other work shares the machine: wait until it is idle."};
}

Finding memory(const Json& environment) {
  const auto& available = environment.at("memory").at("available_bytes");
  if (const auto* reason = absence(available))
    return {Health::kMissing, fmt::format("Free memory is unknown: {}. Choose layer sizes with "
                                          "care.",
                                          reason->as_string())};
  const double gigabytes = available.as_double() / 1e9;
  const auto found = fmt::format("{:.1f} GB of memory free.", gigabytes);
  if (gigabytes >= 2) return {Health::kOk, found};
  return {Health::kWarn, found + " Large layer presets will not fit: raise layer.scale."};
}

Finding onednn(const Json& environment) {
  const auto& facts = environment.at("onednn");
  const auto found = fmt::format("oneDNN {} with {}.", facts.at("version").as_string(),
                                 text(facts.at("instruction_set")));
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (facts.at("variables").find(name) != nullptr)
      return {Health::kWarn, fmt::format("{} {} limits it: unset it.", found, name)};
  }
  return {Health::kOk, found};
}

Finding bf16(const Json& environment) {
  const auto& sets = environment.at("processor").at("instruction_sets").as_array();
  const bool native = std::ranges::any_of(sets, [](const Json& set) {
    return set.as_string() == "avx512_bf16" || set.as_string() == "amx_bf16";
  });
  if (native) return {Health::kOk, "The processor multiplies bf16 natively."};
  return {Health::kMissing,
          "The processor has no bf16 arithmetic; oneDNN emulates it slowly. Use layer.dtype = "
          "fp32 for times."};
}

Finding openmp(const Json& environment) {
  const auto& facts = environment.at("openmp");
  const auto found = fmt::format("{} OpenMP threads, proc_bind {}.",
                                 facts.at("threads").as_integer(), text(facts.at("proc_bind")));
  if (text(facts.at("proc_bind")) != "false") return {Health::kOk, found};
  return {Health::kWarn, found + " Threads may move between cores: set OMP_PROC_BIND=close."};
}

Finding cuda(const Json& environment) {
  const auto& facts = environment.at("cuda");
  const auto& toolkit = facts.at("toolkit");
  const auto& gpu = facts.at("gpu");
  if (absence(toolkit) != nullptr)
    return {Health::kMissing,
            "CUDA kernels are not compiled in. Install the CUDA Toolkit and configure again with "
            "`cmake --preset release`."};
  const auto compiled = fmt::format("CUDA kernels compiled with nvcc {}", toolkit.as_string());
  if (absence(gpu) != nullptr)
    return {Health::kMissing, fmt::format("{}, but {}: install the driver on a machine with a GPU, "
                                          "or use --backend cpu.",
                                          compiled, text(gpu))};
  const auto& devices = gpu.at("devices");
  if (absence(devices) != nullptr)
    return {Health::kMissing,
            fmt::format("{}, but {}: check `nvidia-smi`.", compiled, text(devices))};
  return {Health::kOk,
          fmt::format("{}; {} GPU(s), the first is {}.", compiled, devices.as_array().size(),
                      devices.as_array().front().as_string())};
}

Finding nvtx(const Json& environment) {
  if (absence(environment.at("build").at("nvtx")) == nullptr)
    return {Health::kOk, "NVTX ranges are compiled in."};
  return {Health::kMissing,
          "NVTX ranges are not compiled in, so Nsight shows no steps or stages. Install the CUDA "
          "Toolkit's NVTX headers and configure again."};
}

Finding nsight(const Json& environment) {
  const auto& tools = environment.at("tools");
  const bool nsys = tools.at("nsys").as_bool();
  const bool ncu = tools.at("ncu").as_bool();
  if (nsys && ncu) return {Health::kOk, "Nsight Systems and Nsight Compute are on PATH."};
  return {Health::kMissing, fmt::format("{} not on PATH: `hotexpert profile --emit` still prints "
                                        "the commands for a machine that has them.",
                                        !nsys && !ncu ? "nsys and ncu are"
                                        : nsys        ? "ncu is"
                                                      : "nsys is")};
}

struct CheckRow {
  std::string_view name;
  Finding (*look)(const Json& environment);
};

constexpr std::array kChecks = {
    CheckRow{"build", build}, CheckRow{"processors", processors}, CheckRow{"governor", governor},
    CheckRow{"load", load},   CheckRow{"memory", memory},         CheckRow{"onednn", onednn},
    CheckRow{"bf16", bf16},   CheckRow{"openmp", openmp},         CheckRow{"cuda", cuda},
    CheckRow{"nvtx", nvtx},   CheckRow{"nsight", nsight},
};

}  // namespace

std::string_view name(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kMissing:
      return "missing";
  }
  return "";
}

std::vector<DoctorCheck> doctor_checks(const Json& environment) {
  std::vector<DoctorCheck> checks;
  for (const auto& row : kChecks) {
    auto finding = row.look(environment);
    checks.push_back({std::string(row.name), finding.health, std::move(finding.sentence)});
  }
  return checks;
}

}  // namespace hotexpert
