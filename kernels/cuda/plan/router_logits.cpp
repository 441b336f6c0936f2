#include "kernels/cuda/plan/router_logits.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels/normal_data.hpp"

namespace hotexpert {
namespace {

constexpr float kHighest = 16.0F;
constexpr float kChosenRange = 8.0F;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

}  // namespace

RouterSize router_size(const ExpertRows& rows, int num_shared) {
  const int experts = static_cast<int>(std::ssize(rows.experts)) - num_shared;
  const int slots = rows.slots - num_shared;
  return {experts, std::min(experts, slots), slots};
}

std::vector<std::int32_t> kept_choices(const ExpertRows& rows, const RouterSize& size) {
  std::vector<std::int32_t> expert_of_row(at(rows.buffer_rows()), -1);
  for (int expert = 0; expert < size.num_experts; ++expert) {
    const auto& segment = rows.experts[at(expert)];
    std::fill_n(expert_of_row.begin() + segment.first, segment.used, expert);
  }
  std::vector<std::int32_t> choices(at(rows.tokens * size.top_k), -1);
  for (std::int64_t token = 0; token < rows.tokens; ++token) {
    const auto begin = choices.begin() + token * size.top_k;
    auto end = begin;
    for (int slot = 0; slot < size.slots; ++slot) {
      const auto row = rows.row_of_slot[at(token * rows.slots + slot)];
      if (row < 0) continue;
      const auto expert = expert_of_row[at(row)];
      if (std::find(begin, end, expert) == end) *end++ = expert;
    }
  }
  return choices;
}

std::vector<float> router_logits(const std::vector<std::int32_t>& choices, const RouterSize& size,
                                 std::uint64_t seed) {
  const auto tokens = std::ssize(choices) / std::max(1, size.top_k);
  std::vector<float> logits(at(tokens * size.num_experts));
  const RandomKey key{seed, RandomPurpose::kScores, 0, 0};
  for (std::int64_t token = 0; token < tokens; ++token) {
    float* row = logits.data() + token * size.num_experts;
    void* bytes = row;
    fill_normal(key, static_cast<std::uint32_t>(token), 0, size.num_experts, 1.0F, DataType::kFp32,
                static_cast<std::byte*>(bytes));
    for (int slot = 0; slot < size.top_k; ++slot) {
      const auto expert = choices[at(token * size.top_k + slot)];
      if (expert < 0) break;
      row[expert] =
          kHighest - kChosenRange * static_cast<float>(slot) / static_cast<float>(size.top_k);
    }
  }
  return logits;
}

bool begins_with(const std::vector<std::int32_t>& routed, const std::vector<std::int32_t>& choices,
                 const RouterSize& size) {
  if (routed.size() != choices.size() || size.top_k < 1) return routed.size() == choices.size();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] >= 0 && routed[i] != choices[i]) return false;
  }
  return true;
}

}  // namespace hotexpert
