#pragma once

#include <string_view>
#include <vector>

namespace hotexpert {

/// Reads the speeds of unequal devices, relative to what was measured: `1,1,0.8` is a factor for
/// each rank, `2=0.8` names single ranks and leaves the others at 1; `+` separates like `,` (a
/// comma separates values of an axis). `none` gives no factors.
/// @return [ranks] factors > 0, or empty for `none`
/// @throws UsageError naming the rank, the factor or the number of factors that is wrong
std::vector<double> parse_rank_speeds(std::string_view text, int ranks);

}  // namespace hotexpert
