// Run by mpirun with 1, 2 and 4 processes: the real exchange gives the bits of one process, and
// conserves rows and bytes. Prints what does not hold and ends with 1.
#include <array>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "profiler/cpu_backend.hpp"
#include "profiler/rank_layer.hpp"
#include "scenarios/ep/mpi_communicator.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/routing/send_rows.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 3;
constexpr int kExperts = 12;

int failures = 0;

void expect(bool holds, const char* what, int rank) {
  if (holds) return;
  std::printf("rank %d: %s\n", rank, what);
  ++failures;
}

LayerShape small_shape() {
  LayerShape shape;
  shape.num_experts = kExperts;
  shape.top_k = 3;
  shape.d_model = 64;
  shape.d_ff = 96;
  shape.num_shared_experts = 1;
  return shape;
}

SyntheticSpec skewed_tokens() {
  SyntheticSpec spec;
  spec.num_experts = kExperts;
  spec.top_k = 3;
  spec.tokens = 300;
  spec.model = "zipf:exponent=1.2";
  spec.seed = kSeed;
  return spec;
}

void check_bits(Communicator& world) {
  const LayerShape shape = small_shape();
  const auto trace = make_synthetic_trace(skewed_tokens());
  BatchBuffer buffer;
  const RoutingBatch batch = trace->read(0, 0, buffer);
  const auto one = make_cpu_backend(1)->prepare(shape, "grouped", kExperts, kSeed);
  const int whole = one->load(plan_dispatch(batch, ExpertPlacement::contiguous(kExperts), {}));
  one->run(whole);
  const auto expected = one->read_output(whole);

  const auto placement = ExpertPlacement::contiguous(kExperts, world.size());
  const auto plan = plan_dispatch(batch, placement, {});
  std::vector<std::int32_t> experts(kExperts);
  std::iota(experts.begin(), experts.end(), 0);
  std::vector<std::int32_t> owner;
  for (std::int64_t token = 0; token < batch.tokens; ++token)
    owner.push_back(source_rank(batch, world.size(), token));
  RankLayer layer(shape, "grouped", experts, plan.rank_of_expert, kSeed, world, 1);
  const int handle = layer.load(plan, owner);
  layer.run(handle);
  const auto& tokens = layer.layout(handle).own_tokens;
  const auto row = static_cast<std::size_t>(shape.d_model);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    expect(
        std::memcmp(&layer.output(handle)[i * row],
                    &expected[static_cast<std::size_t>(tokens[i]) * row], row * sizeof(float)) == 0,
        "a token's output differs from one process's", world.rank());
  }

  const auto& moved = layer.dispatched(handle);
  const std::array mine = {
      static_cast<double>(std::accumulate(moved.send.begin(), moved.send.end(), std::int64_t{0})),
      static_cast<double>(
          std::accumulate(moved.receive.begin(), moved.receive.end(), std::int64_t{0}))};
  const auto all = world.gather(mine);
  double sent = 0;
  double received = 0;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    sent += all[i];
    received += all[i + 1];
  }
  expect(sent == static_cast<double>(plan.rows()), "rows sent are not the plan's", world.rank());
  expect(received == sent, "rows were lost on the way", world.rank());
}

/// Every byte of an unequal exchange arrives where it belongs: rank s sends s + 2 t + 1 rows to t,
/// none where both are odd.
void check_bytes(Communicator& world) {
  const auto rows = [](int from, int to) -> std::int64_t {
    return from % 2 == 1 && to % 2 == 1 ? 0 : from + 2 * to + 1;
  };
  const auto value = [](int from, int to, std::int64_t i) {
    return static_cast<std::byte>((from * 31 + to * 7 + i) & 0xff);
  };
  constexpr std::int64_t kRowBytes = 12;
  RowExchange exchange{kRowBytes, {}, {}};
  std::vector<std::byte> send;
  std::vector<std::byte> expected;
  for (int other = 0; other < world.size(); ++other) {
    exchange.send.push_back(rows(world.rank(), other));
    exchange.receive.push_back(rows(other, world.rank()));
    for (std::int64_t i = 0; i < exchange.send.back() * kRowBytes; ++i)
      send.push_back(value(world.rank(), other, i));
    for (std::int64_t i = 0; i < exchange.receive.back() * kRowBytes; ++i)
      expected.push_back(value(other, world.rank(), i));
  }
  std::vector<std::byte> received(expected.size() + 8, std::byte{0xee});
  world.all_to_all(send.data(), received.data(), exchange);
  expect(std::equal(expected.begin(), expected.end(), received.begin()),
         "bytes arrived in the wrong place", world.rank());
  expect(received[expected.size()] == std::byte{0xee}, "more arrived than was sent", world.rank());
}

void check_words(Communicator& world) {
  expect(world.broadcast(world.rank() == 0 ? "from rank 0" : "") == "from rank 0",
         "broadcast differs", world.rank());
  expect(world.broadcast("").empty(), "an empty broadcast is not", world.rank());
}

}  // namespace
}  // namespace hotexpert

int main(int argc, char** argv) {
  const auto world = hotexpert::join_world(&argc, &argv);
  hotexpert::check_words(*world);
  hotexpert::check_bytes(*world);
  hotexpert::check_bits(*world);
  double all = 0;
  for (const double failed : world->gather(std::array{static_cast<double>(hotexpert::failures)}))
    all += failed;
  if (world->rank() == 0 && all == 0) std::printf("%d processes: all equal\n", world->size());
  return all > 0 ? 1 : 0;
}
