#include "sim/model/device_description.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "sim/base/errors.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

TEST(DeviceDescriptionTest, EveryShippedFileIsValidAndNamedAfterItself) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(HOTEXPERT_SOURCE_DIR) +
                                                               "/scenarios/devices")) {
    const std::string name = entry.path().stem().string();
    const DeviceDescription device = shipped_device(name);
    EXPECT_EQ(device.name, name);
    EXPECT_FALSE(device.source.empty()) << name;
    ++files;
  }
  EXPECT_GE(files, 4);
}

TEST(DeviceDescriptionTest, JsonRoundTripKeepsEveryField) {
  const DeviceDescription device = shipped_device("h100-sxm");
  const Json json = to_json(device);
  EXPECT_EQ(to_json(device_from_json(json, "round trip")), json);
}

TEST(DeviceDescriptionTest, FittedConstantsStayBelowThePeaksOfTheDataSheet) {
  const DeviceDescription device = shipped_device("h100-sxm");
  EXPECT_LT(device.constants.memory_bytes_per_s, device.peak_memory_bytes_per_s);
  EXPECT_LT(device.constants.math_flops_per_s, device.peak_bf16_flops_per_s);
  EXPECT_LT(device.constants.elementwise_bytes_per_s, device.peak_memory_bytes_per_s);
}

TEST(DeviceDescriptionTest, NominalConstantsAreStatedSharesOfTheDataSheet) {
  const DeviceDescription device = shipped_device("h100-sxm");
  const CostConstants nominal = nominal_constants(device);
  EXPECT_NEAR(nominal.memory_bytes_per_s, 3.015e12, 1e6);
  EXPECT_NEAR(nominal.math_flops_per_s, 900.354e12, 1e6);
  EXPECT_NEAR(nominal.feed_bytes_per_s, 0.8 * 64 * 989.4e12 / 4096, 1e6);
}

TEST(DeviceDescriptionTest, Fp32RateFollowsTheRatioOfThePeaks) {
  const DeviceDescription device = shipped_device("h100-sxm");
  EXPECT_DOUBLE_EQ(math_flops_per_s(device, DataType::kBf16), device.constants.math_flops_per_s);
  EXPECT_DOUBLE_EQ(math_flops_per_s(device, DataType::kFp32), device.constants.math_flops_per_s *
                                                                  device.peak_fp32_flops_per_s /
                                                                  device.peak_bf16_flops_per_s);
}

void expect_refused(const std::string& key, const Json& value, const std::string& words) {
  Json json = to_json(shipped_device("h100-sxm"));
  json.set(key, value);
  try {
    (void)device_from_json(json, "x.toml");
    FAIL() << key << " was accepted";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(DeviceDescriptionTest, BadFilesAreRefusedByKey) {
  expect_refused("unit", 3, "unknown key 'unit'");
  expect_refused("units", 0, "units must be at least 1");
  expect_refused("cache_bytes", -1.0, "cache_bytes must be positive");
  expect_refused("constants", Json::object().set("launch", 1.0), "unknown key 'launch'");
  expect_refused("constants", Json::object().set("launch_s", 0.0), "launch_s must be positive");
  Json tiles = Json::array();
  tiles.push(Json::array_of(std::vector<int>{48, 128}));
  expect_refused("program", Json::object().set("tiles", tiles), "a tile has 16, 32, 64");
}

}  // namespace
}  // namespace hotexpert
