#pragma once

#include <gtest/gtest.h>

#include "kernels/cuda/runtime.hpp"
#include "profiler/cuda_layer_backend.hpp"

namespace hotexpert::test {

/// A test that needs a device: skipped with the reason where there is none.
class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (!runtime().device().unavailable.empty())
      GTEST_SKIP() << "not measured: " << runtime().device().unavailable;
  }
  static DeviceRuntime& runtime() {
    static const auto instance = make_device_runtime();
    return *instance;
  }
};

}  // namespace hotexpert::test
