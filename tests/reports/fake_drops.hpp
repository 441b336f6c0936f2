#pragma once

#include <string>

namespace hotexpert::test_support {

/// A run folder as `hotexpert drops -o` writes it: a spectrum, three factors under two rules and
/// two policies on four layers and two ranks, and the factor each layer needs.
void write_drops_run(const std::string& dir);

/// A sweep of the padded kernel over six factors and two skews: drops fall in a bend, time rises
/// straight, so that both have a knee.
void write_capacity_run(const std::string& dir);

}  // namespace hotexpert::test_support
