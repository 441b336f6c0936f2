#pragma once

#include <string>

namespace hotexpert::test_support {

/// A run of the router lab: none, and two methods at three weights each, three seeds, two kernels,
/// curves of 20 parts. Balance improves with the weight; task loss is least in the middle.
void write_lab_run(const std::string& dir);

}  // namespace hotexpert::test_support
