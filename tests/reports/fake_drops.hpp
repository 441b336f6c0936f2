#pragma once

#include <string>

namespace hotexpert::test_support {

/// A run folder as `hotexpert drops -o` writes it: a spectrum, three factors under two rules and
/// two policies on four layers and two ranks, and the factor each layer needs.
void write_drops_run(const std::string& dir);

}  // namespace hotexpert::test_support
