#include "kernels/cpu/permute.hpp"

#include <cstring>

#include "kernels/cpu/vector_loops.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

/// Tokens a task takes: enough that taking the next one costs nothing.
constexpr std::int64_t kTokensPerTask = 16;

template <class Element>
void combine_token(const ExpertRows& rows, const Element* expert_out, std::int64_t d_model,
                   std::int64_t token, float* out) {
  bool first = true;
  for (int slot = 0; slot < rows.slots; ++slot) {
    const auto cell = static_cast<std::size_t>(token * rows.slots + slot);
    if (rows.row_of_slot[cell] < 0) continue;
    const Element* row = expert_out + rows.row_of_slot[cell] * d_model;
    if (first) {
      assign_scaled(row, rows.weight_of_slot[cell], out, d_model);
    } else {
      add_scaled(row, rows.weight_of_slot[cell], out, d_model);
    }
    first = false;
  }
  if (first) std::memset(out, 0, static_cast<std::size_t>(d_model) * sizeof(float));
}

}  // namespace

void permute(const ExpertRows& rows, const std::byte* activations, const RowsBuffer& into,
             int threads) {
  const std::int64_t element = bytes_per_element(into.dtype);
  const std::int64_t row_bytes = into.blocks.columns * element;
  parallel_ranges(threads, rows.buffer_rows(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = 0; block < into.blocks.count(); ++block) {
      const auto bytes = static_cast<std::size_t>(into.blocks.size(block) * element);
      const std::byte* source = activations + into.blocks.begin(block) * element;
      for (std::int64_t row = begin; row < end; ++row) {
        const auto token = rows.source_token[static_cast<std::size_t>(row)];
        if (token < 0) {
          std::memset(into.at(block, row), 0, bytes);
        } else {
          std::memcpy(into.at(block, row), source + token * row_bytes, bytes);
        }
      }
    }
  });
}

void combine(const ExpertRows& rows, const std::byte* expert_out, DataType dtype,
             std::int64_t d_model, float* out, int threads) {
  const void* elements = expert_out;
  const std::int64_t tasks = (rows.tokens + kTokensPerTask - 1) / kTokensPerTask;
  parallel_tasks(threads, tasks, [&](std::int64_t task, int) {
    const std::int64_t end = std::min(rows.tokens, (task + 1) * kTokensPerTask);
    for (std::int64_t token = task * kTokensPerTask; token < end; ++token) {
      if (dtype == DataType::kFp32) {
        combine_token(rows, static_cast<const float*>(elements), d_model, token,
                      out + token * d_model);
      } else {
        combine_token(rows, static_cast<const Bf16*>(elements), d_model, token,
                      out + token * d_model);
      }
    }
  });
}

}  // namespace hotexpert
