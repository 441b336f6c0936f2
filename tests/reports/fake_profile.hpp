#pragma once

#include <string>

namespace hotexpert::test_support {

/// A run folder as `hotexpert profile -o` writes it: 4 experts on 2 workers, padded to 100 rows,
/// 1.2 of 1.5 ms booked to capacity padding; counters at 200 flop per byte, two thirds of their
/// roof.
/// @param unexplained_s of the 1.5 ms
void write_profile_run(const std::string& dir, double unexplained_s = 0.05e-3);

}  // namespace hotexpert::test_support
