#include <array>

#include "scenarios/selftest/self_check.hpp"

namespace hotexpert {
namespace {

using enum SelfCheckGroup;

constexpr std::array kChecks = {
    SelfCheckRow{"kernels", kKernels, "every expert of every kernel against fp64", check_kernels},
    SelfCheckRow{"binomial-drops", kOracles, "drops of a perfect router: published values",
                 check_binomial_drops},
    SelfCheckRow{"uniform-router", kOracles,
                 "drops, load variation, largest load and destination ranks of the sampled uniform "
                 "router against closed forms",
                 check_uniform_router},
    SelfCheckRow{"eplb", kOracles, "the placement method eplb against its published example",
                 check_eplb_reference},
    SelfCheckRow{"stability", kOracles,
                 "where balance turns unstable in the smallest model of rich-get-richer",
                 check_stability_threshold},
    SelfCheckRow{
        "digest", kDigest,
        "120 counted points, equal bytes for 1, 2, 3 and 8 threads, 4 shards, a resumed run",
        check_digest},
    SelfCheckRow{"trained-digest", kDigest,
                 "trained routers, equal bytes for 1, 2 and 3 threads and from a checkpoint",
                 check_trained_digest},
    SelfCheckRow{"known-waits", kTiming, "waits of known length through measure()",
                 check_known_waits},
    SelfCheckRow{"loaded-core", kTiming,
                 "40 measurements on a core alone, 40 beside a busy process: which are flagged",
                 check_loaded_core},
    SelfCheckRow{"gate-on-equals", kTiming, "100 comparisons of a kernel with itself",
                 check_gate_on_equals},
    SelfCheckRow{"gate-on-slowdown", kTiming, "100 comparisons with a kernel made 3 % slower",
                 check_gate_on_slowdown},
};

}  // namespace

std::string_view name(SelfCheckGroup group) {
  constexpr std::array<std::string_view, 4> names = {"kernels", "oracles", "digest", "timing"};
  return names[static_cast<std::size_t>(group)];
}

std::span<const SelfCheckRow> self_checks() { return kChecks; }

}  // namespace hotexpert
