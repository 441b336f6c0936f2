#pragma once

#include <span>
#include <vector>

#include "sim/model/validation.hpp"

namespace hotexpert {

/// "1-15", "16-63", "64-255", "256-1023", "1024-4095" or "4096-".
std::string token_range(std::int64_t tokens);

/// Median and 90th percentile of |error| over the rows that `keep` marks.
ErrorRow pooled_error(std::span<const double> abs_error, const std::vector<bool>& keep);

/// One row for each (shape, ranks, distribution), sorted by them.
std::vector<ErrorRow> error_partition(const std::vector<PublishedRow>& rows,
                                      std::span<const double> abs_error);

/// One row for each value of shape, ranks, token range and distribution alone.
std::vector<ErrorRow> error_margins(const std::vector<PublishedRow>& rows,
                                    std::span<const double> abs_error);

/// One row for each skewed series that has balanced rows beside it.   @param predicted_s [rows]
std::vector<Crossover> crossover_tokens(const std::vector<PublishedRow>& rows,
                                        std::span<const double> predicted_s);

/// @param predicted_s [rows]
SignScore skew_sign_score(const std::vector<PublishedRow>& rows,
                          std::span<const double> predicted_s);

}  // namespace hotexpert
