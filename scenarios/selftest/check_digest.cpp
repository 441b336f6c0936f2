#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "reports/merge.hpp"
#include "reports/run_store.hpp"
#include "scenarios/runner/sweep.hpp"
#include "scenarios/selftest/digest.hpp"
#include "scenarios/selftest/self_check.hpp"

namespace hotexpert {
namespace {

/// 120 points: what is counted from drawn traces, dropped by gate weight and at random.
Scenario digest_scenario() {
  Scenario scenario;
  scenario.title = "digest";
  scenario.set("seed", "1", "");
  scenario.set("layer.experts", "8,64", "");
  scenario.set("layer.top_k", "2,4", "");
  scenario.set("step.tokens", "257", "");
  scenario.set("step.count", "3", "");
  scenario.set("skew.layers", "2", "");
  scenario.set("skew.model", "uniform,zipf:exponent=1.1,gaussian:sigma=0.5,lognormal,reinforcement",
               "");
  scenario.set("capacity.factor", "none,1,1.25", "");
  scenario.set("capacity.policy", "probs,random", "");
  scenario.set("backend", "none", "");
  return scenario;
}

std::uint64_t digest_of(const std::vector<PointResult>& points) {
  Digest digest;
  for (const auto& point : points) digest.add(to_json(point).dump());
  return digest.value();
}

std::uint64_t digest_with(int threads) {
  SweepOptions options;
  options.threads = threads;
  return digest_of(plan_points(digest_scenario(), options));
}

/// A folder that is gone when the check is over.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("hotexpert-selftest-{}", ::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

std::uint64_t digest_of_shards(const ScratchFolder& folder) {
  std::vector<Run> shards;
  for (int i = 0; i < 4; ++i) {
    SweepOptions options;
    options.shard = Shard{i, 4};
    options.run_dir = folder / options.shard->folder();
    run_sweep(digest_scenario(), options);
    shards.push_back(read_run(options.run_dir));
  }
  write_merged(shards, folder / "merged");
  return digest_of(read_run(folder / "merged").points);
}

std::uint64_t digest_of_resumed(const ScratchFolder& folder) {
  SweepOptions options;
  options.run_dir = folder / "resumed";
  int asked = 0;
  options.should_stop = [&] { return ++asked > 50; };
  run_sweep(digest_scenario(), options);
  options.should_stop = {};
  options.resume = true;
  run_sweep(digest_scenario(), options);
  return digest_of(read_run(options.run_dir).points);
}

SelfCheckAnswer equal_to(std::uint64_t expected, std::string what, std::uint64_t digest) {
  return {.what = std::move(what),
          .found = digest == expected ? 1.0 : 0.0,
          .expected = 1,
          .note = fmt::format("{:016x}", digest)};
}

}  // namespace

std::vector<SelfCheckAnswer> check_digest() {
  const std::uint64_t one = digest_with(1);
  std::vector<SelfCheckAnswer> answers = {equal_to(one, "digest with 1 thread", one)};
  for (const int threads : {2, 3, 8})
    answers.push_back(
        equal_to(one, fmt::format("digest with {} threads", threads), digest_with(threads)));
  const ScratchFolder folder;
  answers.push_back(equal_to(one, "digest of 4 shards, merged", digest_of_shards(folder)));
  answers.push_back(
      equal_to(one, "digest of a run stopped after 50 points, resumed", digest_of_resumed(folder)));
  return answers;
}

}  // namespace hotexpert
