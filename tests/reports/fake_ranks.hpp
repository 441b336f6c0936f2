#pragma once

#include <string>

namespace hotexpert::test_support {

/// A run of four ranks and one of sixteen: three placements, two numbers of slots; two layers. The
/// better balanced, the faster.
void write_ranks_run(const std::string& dir);

}  // namespace hotexpert::test_support
