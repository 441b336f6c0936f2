#include "profiler/backward_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/kernels/support/training_run.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 3;
constexpr double kTolerance = 5e-6;

/// What the grouped kernel gives for a small layer, to be damaged.
class BackwardCheckTest : public testing::Test {
 protected:
  BackwardCheckTest() {
    shape_.num_experts = 4;
    shape_.top_k = 2;
    shape_.d_model = 40;
    shape_.d_ff = 56;
    const auto plan = test::plan_of(
        test::route(70, 2, 4, [](auto t, int s) { return s == 0 ? 1 : int(t % 3 == 0 ? 0 : 3); }));
    const auto kernels = cpu_kernels();
    const auto row = std::ranges::find(kernels, "grouped", &CpuKernelRow::name);
    const auto kernel =
        row->make_training(shape_, NamedChoice::parse("grouped", row->params, "kernel"), 4, 2);
    ExpertWeights weights;
    for (int expert = 0; expert < 4; ++expert) {
      draw_expert_weights(shape_, kSeed, expert, 1, weights);
      kernel->set_weights(expert, weights);
    }
    rows_ = kernel->arrange(plan);
    const std::int64_t bytes = rows_.buffer_rows() * shape_.d_model * 4;
    activations_.reserve(plan.tokens * shape_.d_model * 4);
    d_out_.reserve(plan.tokens * shape_.d_model * 4);
    draw_activations(shape_, kSeed, plan.tokens, 1, activations_.data());
    draw_output_gradient(shape_, kSeed, plan.tokens, 1, d_out_.data());
    AlignedBuffer x(bytes);
    AlignedBuffer d_y(bytes);
    AlignedBuffer y(bytes);
    d_x_.reserve(bytes);
    const auto blocks = kernel->input_blocks();
    const RowsView x_view{x.data(), rows_.buffer_rows(), blocks, shape_.dtype};
    const RowsView d_y_view{d_y.data(), rows_.buffer_rows(), blocks, shape_.dtype};
    const auto pass = kernel->prepare(rows_);
    permute(rows_, activations_.data(), {x.data(), rows_.buffer_rows(), blocks, shape_.dtype}, 1);
    pass->forward(x_view, y.data());
    d_weights_.resize(rows_.row_of_slot.size());
    combine_backward(rows_, d_out_.data(), y.data(),
                     {d_y.data(), rows_.buffer_rows(), blocks, shape_.dtype}, d_weights_.data(), 1);
    pass->dgrad(d_y_view, d_x_.data());
    pass->wgrad(x_view, d_y_view);
    for (int expert = 0; expert < 4; ++expert) gradients_.push_back(kernel->gradients(expert));
    sum_rows();
  }

  void sum_rows() {
    d_in_.resize(static_cast<std::size_t>(rows_.tokens * shape_.d_model));
    combine(unweighted(rows_), d_x_.data(), shape_.dtype, shape_.d_model, d_in_.data(), 1);
  }

  [[nodiscard]] LayerError check() const {
    return check_backward(
        shape_, kSeed,
        {&rows_, activations_.data(), d_out_.data(), d_x_.data(), d_in_.data(), d_weights_.data(),
         [this](int expert) { return gradients_.at(static_cast<std::size_t>(expert)); }},
        2);
  }

  /// Takes the contribution of one buffer row out of its expert's weight gradients: what a loop
  /// over rows that ends one early does.
  void forget_row(int expert, std::int64_t row) {
    ExpertWeights weights;
    draw_expert_weights(shape_, kSeed, expert, 1, weights);
    const std::int64_t token = rows_.source_token[static_cast<std::size_t>(row)];
    float gate = 0;
    for (std::size_t cell = 0; cell < rows_.row_of_slot.size(); ++cell)
      if (rows_.row_of_slot[cell] == row) gate = rows_.weight_of_slot[cell];
    const std::vector<GradientRow> one = {{activations_.data() + token * shape_.d_model * 4,
                                           d_out_.data() + token * shape_.d_model * 4, gate}};
    auto& into = gradients_[static_cast<std::size_t>(expert)];
    for (std::int64_t j = 0; j < shape_.d_ff; ++j) {
      const auto column = reference_column_gradient(shape_, weights, one, j);
      for (std::int64_t i = 0; i < shape_.d_model; ++i)
        into.down[static_cast<std::size_t>(j * shape_.d_model + i)] -=
            static_cast<float>(column.down[static_cast<std::size_t>(i)]);
    }
  }

  LayerShape shape_;
  ExpertRows rows_;
  AlignedBuffer activations_, d_out_, d_x_;
  std::vector<float> d_in_, d_weights_;
  std::vector<ExpertGradients> gradients_;
};

TEST_F(BackwardCheckTest, AcceptsWhatIsRight) { EXPECT_LE(check().largest, kTolerance); }

TEST_F(BackwardCheckTest, FindsTheGradientsOfAnotherExpert) {
  std::swap(gradients_[1], gradients_[3]);
  EXPECT_GT(check().largest, 0.1);
}

TEST_F(BackwardCheckTest, FindsARowThatAWeightGradientLeftOut) {
  const auto& hot = rows_.experts[1];
  forget_row(1, hot.first + hot.used - 1);
  const auto error = check();
  EXPECT_GT(error.largest, 100 * kTolerance);
  EXPECT_EQ(error.expert, 1);
}

TEST_F(BackwardCheckTest, FindsASingleWrongColumnOfAGradient) {
  for (std::int64_t i = 0; i < shape_.d_model; ++i)
    gradients_[3].up[static_cast<std::size_t>(i * shape_.d_ff + 17)] *= 1.01F;
  const auto error = check();
  EXPECT_GT(error.largest, 10 * kTolerance);
  EXPECT_EQ(error.expert, 3);
}

TEST_F(BackwardCheckTest, FindsTwoRowsOfInputGradientsExchanged) {
  auto* rows = d_x_.as<float>();
  const std::int64_t first = rows_.experts[3].first * shape_.d_model;
  std::swap_ranges(rows + first, rows + first + shape_.d_model, rows + first + shape_.d_model);
  sum_rows();
  const auto error = check();
  EXPECT_GT(error.largest, 0.1);
}

TEST_F(BackwardCheckTest, FindsALostGateWeight) {
  auto* row = d_x_.as<float>() + rows_.experts[0].first * shape_.d_model;
  for (std::int64_t i = 0; i < shape_.d_model; ++i) row[i] *= 2;  // as if its weight were 1
  EXPECT_GT(check().largest, 0.01);
}

TEST_F(BackwardCheckTest, FindsAWrongSumOverSlotsAndAWrongGateGradient) {
  const float before = d_in_[5];
  d_in_[5] += 1;
  EXPECT_GT(check().largest, 1e-3);
  d_in_[5] = before;
  d_weights_.back() += 1;
  EXPECT_GT(check().largest, 1e-3);
}

TEST_F(BackwardCheckTest, NaNIsNeverRight) {
  gradients_[0].gate[3] = std::nanf("");
  EXPECT_EQ(check().largest, HUGE_VAL);
}

TEST_F(BackwardCheckTest, AnExpertWithoutTokensMustHaveZeroGradients) {
  ASSERT_EQ(rows_.experts[2].used, 0);
  gradients_[2].down[0] = 1e-9F;
  const auto error = check();
  EXPECT_EQ(error.largest, HUGE_VAL);
  EXPECT_EQ(error.expert, 2);
}

TEST(CheckedColumnsTest, AreAllOrTheEndsOneABlockAndFourDrawn) {
  EXPECT_EQ(checked_columns(3, true, 1, 0), (std::vector<std::int64_t>{0, 1, 2}));
  const auto some = checked_columns(2000, false, 1, 5);
  EXPECT_LE(some.size(), 9U);
  EXPECT_TRUE(std::ranges::is_sorted(some));
  for (const std::int64_t column : {0, 512, 1024, 1536, 1999})
    EXPECT_TRUE(std::ranges::binary_search(some, column)) << column;
  EXPECT_NE(some, checked_columns(2000, false, 1, 6));
}

}  // namespace
}  // namespace hotexpert
