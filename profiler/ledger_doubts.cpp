#include "profiler/ledger_doubts.hpp"

#include <fmt/format.h>

#include <cmath>

namespace hotexpert {
namespace {

constexpr double kMostUnexplained = 0.10;
constexpr double kMostTaken = 0.05;
constexpr double kMostSpread = 0.10;
constexpr double kMostOutliers = 0.20;
constexpr double kMostLoad = 0.5;

LedgerDoubt unresolved(const LayerProfile& profile) {
  const auto& interval = profile.difference_ci95;
  const double half_width_s = interval ? (interval->high - interval->low) / 2 : 0;
  return {"unresolved", std::abs(profile.ledger.difference_s()), half_width_s,
          "Measured and control differ by no more than the noise between passes: the ledger books "
          "noise, and no cause was removed. Take more --steps, more tokens, or another kernel."};
}

LedgerDoubt unexplained(double share) {
  return {"unexplained", share, kMostUnexplained,
          fmt::format(
              "{:.0f} % of the difference is unexplained ({:.0f} % is the limit): tiles ran longer "
              "than rows, padding, weights and clock account for, so do not act on the other "
              "entries. Most often other programs held the processors: close them or use fewer "
              "--threads, take more --steps, and profile again; if it stays, the kernel has a cost "
              "that this ledger does not know.",
              100 * share, 100 * kMostUnexplained)};
}

LedgerDoubt taken(double share) {
  return {"taken", share, kMostTaken,
          fmt::format("Other programs had the processors for {:.0f} % of the tiles' time or more "
                      "({:.0f} % is the limit), which lengthens tiles at random and is booked as "
                      "unexplained or to whoever was hit. Close them or use fewer --threads.",
                      100 * share, 100 * kMostTaken)};
}

LedgerDoubt noisy(double spread) {
  return {"noisy", spread, kMostSpread,
          fmt::format("Passes of one plan scatter by {:.0f} % of their median ({:.0f} % is the "
                      "limit): entries smaller than that are not resolved. Close other programs, "
                      "pin threads (OMP_PROC_BIND=close), or take more tokens and --steps.",
                      100 * spread, 100 * kMostSpread)};
}

LedgerDoubt outliers(double share) {
  return {"outliers", share, kMostOutliers,
          fmt::format("{:.0f} % of the pairs of passes were outliers and are not in the ledger "
                      "({:.0f} % is the limit): something disturbs passes now and then. Find it, "
                      "or take more --steps.",
                      100 * share, 100 * kMostOutliers)};
}

LedgerDoubt loaded(const MachineLoad& load) {
  return {"loaded_machine", load.load_average, kMostLoad * load.processors,
          fmt::format("The load average was {:.1f} on {} processors when the program started: "
                      "other work shares cores, caches and memory bandwidth with the passes. "
                      "Profile again when the machine is idle, or with fewer --threads.",
                      load.load_average, load.processors)};
}

}  // namespace

std::vector<LedgerDoubt> ledger_doubts(const LayerProfile& profile,
                                       const std::optional<MachineLoad>& load) {
  std::vector<LedgerDoubt> doubts;
  if (!profile.resolved()) {
    doubts.push_back(unresolved(profile));
  } else if (const double share = profile.ledger.unexplained_fraction();
             !(share <= kMostUnexplained)) {
    doubts.push_back(unexplained(share));
  }
  if (!(profile.taken_fraction <= kMostTaken)) doubts.push_back(taken(profile.taken_fraction));
  if (!(profile.pass_spread <= kMostSpread)) doubts.push_back(noisy(profile.pass_spread));
  const auto left_out = static_cast<double>(profile.outliers);
  const double share = left_out / (left_out + static_cast<double>(profile.pairs.size()));
  if (share > kMostOutliers) doubts.push_back(outliers(share));
  if (load && load->load_average > kMostLoad * load->processors) doubts.push_back(loaded(*load));
  return doubts;
}

}  // namespace hotexpert
