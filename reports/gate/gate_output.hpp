#pragma once

#include <string>
#include <vector>

#include "reports/gate/gate.hpp"
#include "reports/section.hpp"

namespace hotexpert {

/// What the gate found, in sentences: counts of verdicts, the mean at each skew, regressions,
/// notes.
std::vector<std::string> gate_sentences(const GateResult& result);

/// One row a pair, what changed first: axes, base, new, ratio with interval, adjusted p, test,
/// verdict.
Table gate_table(const GateResult& result);

/// The sentences and the table for a pull request.
std::string gate_markdown(const GateResult& result);

/// One test case a pair; a pair that fails the gate is a failure, UNCLEAR is skipped.
std::string gate_junit(const GateResult& result);

/// {"rows":[…],"groups":[…],"regressions":[…],"notes":[…],"geometric_mean":…}
Json gate_json(const GateResult& result);

}  // namespace hotexpert
