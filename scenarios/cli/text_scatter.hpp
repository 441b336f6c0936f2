#pragma once

#include <span>
#include <string>

namespace hotexpert {

/// Predicted over measured seconds as text, both axes logarithmic and alike, for a terminal:
/// '.' ':' 'o' '@' are 1, 2-3, 4-9 and more pairs in a cell, '/' is where both are equal.
/// @param measured_s, predicted_s equally long; pairs that are not positive are left out
/// @return lines that end in a newline; "" without pairs
std::string text_scatter(std::span<const double> measured_s, std::span<const double> predicted_s);

}  // namespace hotexpert
