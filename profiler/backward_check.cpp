#include "profiler/backward_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/normal_data.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reference_backward.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr double kAllFlops = 2.5e8;
constexpr std::int64_t kColumnStride = 512;
constexpr int kDrawnColumns = 4;
constexpr int kCheckedTokens = 4;
constexpr std::uint32_t kGradientStep = 3;  ///< 0 to 2 draw activations and samples of rows

/// ||out - ref||² and ||ref||².
struct GradientError {
  double difference = 0;
  double reference = 0;

  void add(double actual, double expected) {
    difference += (actual - expected) * (actual - expected);
    reference += expected * expected;
  }
  void add(const GradientError& other) {
    difference += other.difference;
    reference += other.reference;
  }
  [[nodiscard]] double relative() const {
    const double error = reference > 0 ? std::sqrt(difference / reference) : std::sqrt(difference);
    return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
};

double element(const std::byte* values, DataType dtype, std::int64_t i) {
  const void* elements = values;
  return static_cast<double>(dtype == DataType::kFp32
                                 ? static_cast<const float*>(elements)[i]
                                 : to_float(static_cast<const Bf16*>(elements)[i]));
}

/// Gate weight of each buffer row, by its slot.
std::vector<float> weights_of_rows(const ExpertRows& rows) {
  std::vector<float> weights(rows.source_token.size(), 0.0F);
  for (std::size_t cell = 0; cell < rows.row_of_slot.size(); ++cell) {
    if (rows.row_of_slot[cell] >= 0)
      weights[static_cast<std::size_t>(rows.row_of_slot[cell])] = rows.weight_of_slot[cell];
  }
  return weights;
}

std::vector<std::int64_t> with_drawn(std::vector<std::int64_t> chosen, std::int64_t count,
                                     int drawn, RandomStream stream) {
  for (int i = 0; i < drawn; ++i) chosen.push_back(stream.below(static_cast<std::uint32_t>(count)));
  std::ranges::sort(chosen);
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

/// The comparison, expert by expert while its weights are at hand.
class Check {
 public:
  Check(const LayerShape& shape, std::uint64_t seed, const BackwardOutput& output, int threads)
      : shape_(shape), seed_(seed), output_(output), threads_(threads) {
    const auto& rows = *output.rows;
    std::int64_t used = 0;
    for (const auto& segment : rows.experts) used += segment.used;
    all_ = flops_per_expert(shape, used) <= kAllFlops;
    gate_weight_ = weights_of_rows(rows);
    if (rows.tokens > 0) {
      tokens_ = with_drawn({0, rows.tokens - 1}, rows.tokens, kCheckedTokens,
                           RandomStream({seed, RandomPurpose::kActivations, 4, 0}, 0));
    }
    sums_.resize(tokens_.size());
    for (auto& sum : sums_) {
      sum.input.assign(static_cast<std::size_t>(shape.d_model), 0.0);
      sum.gates.assign(static_cast<std::size_t>(rows.slots), 0.0);
    }
  }

  LayerError run() {
    const auto experts = static_cast<int>(output_.rows->experts.size());
    for (int expert = 0; expert < experts; ++expert) {
      const auto& segment = output_.rows->experts[static_cast<std::size_t>(expert)];
      if (segment.used == 0) {
        check_untouched(expert);
        continue;
      }
      ExpertWeights weights;
      draw_expert_weights(shape_, seed_, expert, threads_, weights);
      check_rows(expert, weights);
      check_columns(expert, weights);
      sum_tokens(segment, weights);
    }
    check_tokens();
    return worst_;
  }

 private:
  struct TokenSum {
    std::vector<double> input;
    std::vector<double> gates;
    bool at_corner = false;
  };

  void note(double error, int expert, std::int64_t token) {
    if (error > worst_.largest) worst_ = {error, expert, token};
  }

  [[nodiscard]] GradientRow row_at(std::int64_t row) const {
    const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
    const std::int64_t token = output_.rows->source_token[static_cast<std::size_t>(row)];
    return {output_.activations + token * row_bytes, output_.output_gradient + token * row_bytes,
            gate_weight_[static_cast<std::size_t>(row)]};
  }

  void check_untouched(int expert) {
    const auto actual = output_.weight_gradients(expert);
    for (const auto* matrix : {&actual.gate, &actual.up, &actual.down}) {
      if (!std::ranges::all_of(*matrix, [](float value) { return value == 0.0F; }))
        note(std::numeric_limits<double>::infinity(), expert, -1);
    }
  }

  void check_rows(int expert, const ExpertWeights& weights) {
    const auto& segment = output_.rows->experts[static_cast<std::size_t>(expert)];
    const auto rows = checked_rows(segment, all_, seed_, expert);
    std::vector<GradientError> errors(rows.size());
    parallel_tasks(threads_, std::ssize(rows), [&](std::int64_t i, int) {
      const std::int64_t row = rows[static_cast<std::size_t>(i)];
      const auto expected = reference_row_gradient(shape_, weights, row_at(row));
      if (expected.at_corner) return;
      for (std::int64_t c = 0; c < shape_.d_model; ++c)
        errors[static_cast<std::size_t>(i)].add(
            element(output_.input_rows, shape_.dtype, row * shape_.d_model + c),
            expected.x[static_cast<std::size_t>(c)]);
    });
    GradientError total;
    for (const auto& error : errors) total.add(error);
    note(total.relative(), expert, -1);
  }

  void check_columns(int expert, const ExpertWeights& weights) {
    const auto& segment = output_.rows->experts[static_cast<std::size_t>(expert)];
    std::vector<GradientRow> rows;
    for (std::int64_t i = 0; i < segment.used; ++i) rows.push_back(row_at(segment.first + i));
    const auto columns = checked_columns(shape_.d_ff, all_, seed_, expert);
    const auto actual = output_.weight_gradients(expert);
    struct Errors {
      GradientError gate, up, down;
    };
    std::vector<Errors> errors(columns.size());
    parallel_tasks(threads_, std::ssize(columns), [&](std::int64_t i, int) {
      const auto j = static_cast<std::size_t>(columns[static_cast<std::size_t>(i)]);
      const auto expected =
          reference_column_gradient(shape_, weights, rows, static_cast<std::int64_t>(j));
      auto& error = errors[static_cast<std::size_t>(i)];
      const auto d_ff = static_cast<std::size_t>(shape_.d_ff);
      const auto d_model = static_cast<std::size_t>(shape_.d_model);
      for (std::size_t r = 0; r < d_model; ++r) {
        error.down.add(static_cast<double>(actual.down.at(j * d_model + r)), expected.down[r]);
        if (expected.at_corner) continue;
        error.up.add(static_cast<double>(actual.up.at(r * d_ff + j)), expected.up[r]);
        if (!expected.gate.empty())
          error.gate.add(static_cast<double>(actual.gate.at(r * d_ff + j)), expected.gate[r]);
      }
    });
    Errors total;
    for (const auto& error : errors) {
      total.gate.add(error.gate);
      total.up.add(error.up);
      total.down.add(error.down);
    }
    for (const auto* error : {&total.gate, &total.up, &total.down})
      note(error->relative(), expert, -1);
  }

  void sum_tokens(const ExpertRows::Segment& segment, const ExpertWeights& weights) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      for (int slot = 0; slot < output_.rows->slots; ++slot) {
        const auto cell = static_cast<std::size_t>(tokens_[i] * output_.rows->slots + slot);
        const std::int64_t row = output_.rows->row_of_slot[cell];
        if (row < segment.first || row >= segment.first + segment.used) continue;
        const auto expected = reference_row_gradient(shape_, weights, row_at(row));
        sums_[i].at_corner = sums_[i].at_corner || expected.at_corner;
        sums_[i].gates[static_cast<std::size_t>(slot)] = expected.gate_weight;
        for (std::size_t c = 0; c < expected.x.size(); ++c) sums_[i].input[c] += expected.x[c];
      }
    }
  }

  void check_tokens() {
    GradientError gates;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      GradientError input;
      for (std::size_t c = 0; c < sums_[i].input.size(); ++c)
        input.add(
            static_cast<double>(
                output_.input_gradient[tokens_[i] * shape_.d_model + static_cast<std::int64_t>(c)]),
            sums_[i].input[c]);
      if (!sums_[i].at_corner) note(input.relative(), -1, tokens_[i]);
      for (std::size_t s = 0; s < sums_[i].gates.size(); ++s)
        gates.add(static_cast<double>(output_.gate_gradient[tokens_[i] * output_.rows->slots +
                                                            static_cast<std::int64_t>(s)]),
                  sums_[i].gates[s]);
    }
    if (!tokens_.empty()) note(gates.relative(), -1, tokens_.front());
  }

  const LayerShape& shape_;
  std::uint64_t seed_;
  const BackwardOutput& output_;
  int threads_;
  bool all_ = false;
  std::vector<float> gate_weight_;  // [buffer rows]
  std::vector<std::int64_t> tokens_;
  std::vector<TokenSum> sums_;  // [tokens_]
  LayerError worst_;
};

}  // namespace

void draw_output_gradient(const LayerShape& shape, std::uint64_t seed, std::int64_t tokens,
                          int threads, std::byte* into) {
  const std::int64_t row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const RandomKey key{seed, RandomPurpose::kActivations, kGradientStep, 0};
  parallel_tasks(threads, tokens, [&](std::int64_t token, int) {
    fill_normal(key, static_cast<std::uint32_t>(token), 0, shape.d_model, 1.0F, shape.dtype,
                into + token * row_bytes);
  });
}

std::vector<std::int64_t> checked_columns(std::int64_t d_ff, bool all, std::uint64_t seed,
                                          int expert) {
  std::vector<std::int64_t> columns;
  for (std::int64_t j = 0; j < d_ff; j += all ? 1 : kColumnStride) columns.push_back(j);
  if (all) return columns;
  columns.push_back(d_ff - 1);
  return with_drawn(
      std::move(columns), d_ff, kDrawnColumns,
      RandomStream({seed, RandomPurpose::kActivations, 5, 0}, static_cast<std::uint32_t>(expert)));
}

LayerError check_backward(const LayerShape& shape, std::uint64_t seed, const BackwardOutput& output,
                          int threads) {
  return Check(shape, seed, output, threads).run();
}

}  // namespace hotexpert
