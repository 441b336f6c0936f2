#include "profiler/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "profiler/environment.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;

/// A machine without fault.
Json healthy() {
  return Json::parse(R"({
    "processor": {"model": "Example CPU", "cores": 4, "processors": 4,
                  "processor_quota": {"absent": "not limited"},
                  "instruction_sets": ["avx2", "avx512_bf16"], "caches": [],
                  "governor": "performance"},
    "memory": {"total_bytes": 16000000000, "available_bytes": 8000000000},
    "system": {"name": "Example", "kernel": "6.1"}, "load_average": 0.1,
    "build": {"version": "1.0", "git": "v1", "compiler": "GNU 12", "type": "Release",
              "flags": "-O3", "nvtx": true},
    "onednn": {"version": "2.7.3", "instruction_set": "avx512_core_bf16", "variables": {}},
    "openmp": {"threads": 4, "proc_bind": "close", "places": 4, "variables": {}},
    "cuda": {"toolkit": "13.0", "gpu": {"driver": "580", "devices": ["Example GPU"]}},
    "tools": {"nsys": true, "ncu": true}})",
                     "healthy machine");
}

Json& member(Json& object, std::string_view key) {
  for (auto& [name, value] : const_cast<Json::Object&>(object.as_object())) {
    if (name == key) return value;
  }
  throw std::logic_error("no member " + std::string(key));
}

DoctorCheck check(const Json& environment, std::string_view name) {
  for (const auto& found : doctor_checks(environment)) {
    if (found.name == name) return found;
  }
  throw std::logic_error("no check " + std::string(name));
}

Json absence(const char* reason) {
  Json json;
  json.set("absent", reason);
  return json;
}

TEST(DoctorTest, FindsNothingWrongWithAHealthyMachine) {
  for (const auto& found : doctor_checks(healthy()))
    EXPECT_EQ(found.health, Health::kOk) << found.name << ": " << found.sentence;
}

struct Fault {
  const char* check;
  const char* group;
  const char* key;
  Json value;
  Health health;
  const char* says;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.check; }

class DoctorFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(DoctorFaultTest, IsFoundAloneAndHasARemedy) {
  const auto& fault = GetParam();
  auto environment = healthy();
  member(environment, fault.group).set(fault.key, fault.value);
  for (const auto& found : doctor_checks(environment)) {
    const bool hit = found.name == fault.check;
    EXPECT_EQ(found.health, hit ? fault.health : Health::kOk) << found.name;
    if (hit) {
      EXPECT_THAT(found.sentence, HasSubstr(fault.says));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, DoctorFaultTest,
    testing::Values(
        Fault{"build", "build", "type", "Debug", Health::kWarn, "--preset release"},
        Fault{"processors", "processor", "processor_quota", 1.5, Health::kWarn, "allows 1.5"},
        Fault{"governor", "processor", "governor", "powersave", Health::kWarn, "cpupower"},
        Fault{"governor", "processor", "governor", absence("hidden"), Health::kMissing, "hidden"},
        Fault{"memory", "memory", "available_bytes", 1000000000, Health::kWarn, "layer.scale"},
        Fault{"bf16", "processor", "instruction_sets", Json::array(), Health::kMissing, "fp32"},
        Fault{"openmp", "openmp", "proc_bind", "false", Health::kWarn, "OMP_PROC_BIND=close"},
        Fault{"cuda", "cuda", "toolkit", absence("built without nvcc"), Health::kMissing,
              "Install the CUDA Toolkit"},
        Fault{"cuda", "cuda", "gpu", absence("no NVIDIA driver is loaded"), Health::kMissing,
              "no NVIDIA driver is loaded"},
        Fault{"nvtx", "build", "nvtx", absence("no headers"), Health::kMissing, "NVTX"},
        Fault{"nsight", "tools", "ncu", false, Health::kMissing, "ncu is not on PATH"}),
    [](const auto& row) { return std::string(row.param.check) + "_" + std::to_string(row.index); });

TEST(DoctorTest, WarnsOfALoadedMachineAndOfALimitedOneDnn) {
  auto environment = healthy();
  environment.set("load_average", 3.0);
  EXPECT_EQ(check(environment, "load").health, Health::kWarn);
  member(member(environment, "onednn"), "variables").set("DNNL_MAX_CPU_ISA", "AVX2");
  EXPECT_THAT(check(environment, "onednn").sentence, HasSubstr("DNNL_MAX_CPU_ISA limits it"));
}

TEST(DoctorTest, JudgesThisMachine) { EXPECT_EQ(doctor_checks(environment_record()).size(), 11U); }

TEST(DoctorTest, RefusesWhatIsNoEnvironmentRecord) {
  EXPECT_THROW(doctor_checks(Json::object()), InputError);
}

}  // namespace
}  // namespace hotexpert
