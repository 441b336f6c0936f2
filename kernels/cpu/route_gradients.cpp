#include "kernels/cpu/route_gradients.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cpu/vector_loops.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

void store(const float* values, std::int64_t count, float* out) {
  std::memcpy(out, values, static_cast<std::size_t>(count) * sizeof(float));
}
void store(const float* values, std::int64_t count, Bf16* out) {
  round_to_bf16(values, out, count);
}

template <class Element>
void one_token(const ExpertRows& rows, const std::byte* d_out, const std::byte* y,
               const RowsBuffer& d_y, std::int64_t token, float* scaled, float* d_weight) {
  const std::int64_t d_model = d_y.blocks.columns;
  const void* outs = d_out;
  const void* ys = y;
  const auto* gradient = static_cast<const Element*>(outs) + token * d_model;
  for (int slot = 0; slot < rows.slots; ++slot) {
    const auto cell = static_cast<std::size_t>(token * rows.slots + slot);
    const std::int64_t row = rows.row_of_slot[cell];
    d_weight[cell] =
        row < 0 ? 0.0F : dot(static_cast<const Element*>(ys) + row * d_model, gradient, d_model);
    if (row < 0) continue;
    assign_scaled(gradient, rows.weight_of_slot[cell], scaled, d_model);
    for (std::int64_t block = 0; block < d_y.blocks.count(); ++block) {
      void* to = d_y.at(block, row);
      store(scaled + d_y.blocks.begin(block), d_y.blocks.size(block), static_cast<Element*>(to));
    }
  }
}

void zero_padding(const ExpertRows& rows, const RowsBuffer& d_y) {
  for (const auto& expert : rows.experts) {
    for (std::int64_t block = 0; block < d_y.blocks.count(); ++block) {
      const std::int64_t bytes =
          (expert.computed - expert.used) * d_y.blocks.size(block) * bytes_per_element(d_y.dtype);
      if (bytes > 0)
        std::memset(d_y.at(block, expert.first + expert.used), 0, static_cast<std::size_t>(bytes));
    }
  }
}

}  // namespace

void combine_backward(const ExpertRows& rows, const std::byte* d_out, const std::byte* y,
                      const RowsBuffer& d_y, float* d_weight, int threads) {
  zero_padding(rows, d_y);
  parallel_ranges(threads, rows.tokens, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scaled(static_cast<std::size_t>(d_y.blocks.columns));
    for (std::int64_t token = begin; token < end; ++token) {
      if (d_y.dtype == DataType::kFp32) {
        one_token<float>(rows, d_out, y, d_y, token, scaled.data(), d_weight);
      } else {
        one_token<Bf16>(rows, d_out, y, d_y, token, scaled.data(), d_weight);
      }
    }
  });
}

ExpertRows unweighted(ExpertRows rows) {
  std::ranges::fill(rows.weight_of_slot, 1.0F);
  return rows;
}

}  // namespace hotexpert
