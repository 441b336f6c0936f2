#include "scenarios/ep/mpi_lead.hpp"

#include <stdexcept>

#include "scenarios/cli/mpi_jobs.hpp"
#include "scenarios/runner/timed_mpi.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

Communicator* world = nullptr;  // of this process, from join_world() to its end

}  // namespace

void lead_with(Communicator& ranks) { world = &ranks; }

ProcessRunner process_runner() {
  return [](const PointSpec& spec, PointResult& result) {
    if (spec.parallel.ranks != world->size()) {
      result.outcome = Outcome::kSkipped;
      result.reason = "ep.ranks " + std::to_string(spec.parallel.ranks) +
                      " needs as many processes, and this job has " + std::to_string(world->size());
      return;
    }
    lead_point(spec.choice, *world, result);
  };
}

void join_processes() {}

void run_processes(int /*ranks*/, const std::vector<std::string>& /*arguments*/,
                   double /*limit_s*/) {
  throw UsageError("hotexpert-ep runs as one of several processes and starts none; use hotexpert");
}

}  // namespace hotexpert
