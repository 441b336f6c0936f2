#include "sim/training/tasks/text_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/training/products.hpp"
#include "sim/training/training_random.hpp"

namespace hotexpert::training {
namespace {

constexpr std::int64_t kBytes = 256;

std::string read_corpus(const std::string& path) {
  if (path.empty()) {
    throw UsageError("train.corpus: task 'text' needs a text file; give --train.corpus FILE");
  }
  std::string text;
  try {
    text = read_whole_file(path);
  } catch (const InputError& error) {
    throw InputError(fmt::format("train.corpus: {}; name a readable text file", error.what()));
  }
  if (text.empty())
    throw InputError(fmt::format("{}: the corpus is empty; name a readable text file", path));
  return text;
}

template <class Scalar>
class TextTask final : public TrainingTask<Scalar> {
 public:
  TextTask(const NamedChoice& choice, const TrainConfig& config)
      : text_(read_corpus(config.corpus)),
        context_(choice.get_integer("context")),
        tokens_(config.tokens),
        sequence_tokens_(config.sequence_tokens),
        width_(config.d_model),
        seed_(config.seed) {
    const auto size = static_cast<std::int64_t>(text_.size());
    train_end_ = size - std::llround(static_cast<double>(size) * choice.get("held_out"));
    const std::int64_t window = context_ + sequence_tokens_;
    if (train_end_ < 10 * window || size - train_end_ <= window) {
      throw InputError(
          fmt::format("{}: {} bytes are too few for sequences of {} tokens; name a longer text",
                      config.corpus, size, sequence_tokens_));
    }
    initialise();
  }

  [[nodiscard]] int num_classes() const override { return kByteClasses; }

  void draw(Split split, std::uint32_t step, TaskBatch<Scalar>& batch) const override {
    const auto stream =
        split == Split::kTrain ? DrawStream::kTrainTokens : DrawStream::kEvaluationTokens;
    const std::int64_t begin = split == Split::kTrain ? 0 : train_end_;
    const std::int64_t end =
        split == Split::kTrain ? train_end_ : static_cast<std::int64_t>(text_.size());
    const auto starts = static_cast<std::uint32_t>(end - begin - context_ - sequence_tokens_ + 1);
    batch.tokens = tokens_;
    batch.token_class.clear();
    batch.context.clear();
    batch.target_byte.clear();
    for (std::int64_t s = 0; s < tokens_ / sequence_tokens_; ++s) {
      RandomStream random(draw_key(seed_, stream, step), static_cast<std::uint32_t>(s));
      const std::int64_t first = begin + random.below(starts) + context_ - 1;
      for (std::int64_t t = first; t < first + sequence_tokens_; ++t) push_token(t, batch);
    }
  }

  void embed(const TaskBatch<Scalar>& batch, Matrix<Scalar>& hidden) const override {
    hidden.reset(batch.tokens, width_);
    for (std::int64_t t = 0; t < batch.tokens; ++t) {
      for (std::int64_t c = 0; c < context_; ++c) {
        const Scalar* row = parameters_.value.data() + embedding_offset(batch, t, c);
        for (std::int64_t j = 0; j < width_; ++j) hidden.at(t, j) += row[j];
      }
    }
  }

  double loss(const TaskBatch<Scalar>& batch, const Matrix<Scalar>& output,
              std::span<double> token_loss, Matrix<Scalar>* output_gradient) override {
    logits_.reshape(batch.tokens, kBytes);
    products<Scalar>().multiply(batch.tokens, kBytes, width_, output.data(), unembedding(),
                                logits_.data());
    const double total = cross_entropy(batch, token_loss);
    if (output_gradient != nullptr) loss_backward(output, *output_gradient);
    return total / static_cast<double>(batch.tokens);
  }

  void embed_backward(const TaskBatch<Scalar>& batch,
                      const Matrix<Scalar>& hidden_gradient) override {
    for (std::int64_t t = 0; t < batch.tokens; ++t) {
      const Scalar* from = hidden_gradient.row(t);
      for (std::int64_t c = 0; c < context_; ++c) {
        Scalar* row = parameters_.gradient.data() + embedding_offset(batch, t, c);
        for (std::int64_t j = 0; j < width_; ++j) row[j] += from[j];
      }
    }
  }

  [[nodiscard]] bool trains_embedding() const override { return true; }
  ParameterBlock<Scalar>& parameters() override { return parameters_; }

 private:
  /// Parameters: embedding [context, 256, d], unembedding [d, 256], bias [256].
  [[nodiscard]] std::int64_t embedding_size() const { return context_ * kBytes * width_; }
  [[nodiscard]] std::int64_t bias_offset() const { return embedding_size() + width_ * kBytes; }
  [[nodiscard]] const Scalar* unembedding() const {
    return parameters_.value.data() + embedding_size();
  }
  [[nodiscard]] std::int64_t embedding_offset(const TaskBatch<Scalar>& batch, std::int64_t t,
                                              std::int64_t c) const {
    const auto byte = batch.context[static_cast<std::size_t>(t * context_ + c)];
    return (c * kBytes + byte) * width_;
  }

  void initialise() {
    parameters_.resize(bias_offset() + kBytes);
    const RandomKey key = draw_key(seed_, DrawStream::kTaskInit);
    const std::span<Scalar> values(parameters_.value);
    fill_normal(key, 0, 1.0 / std::sqrt(static_cast<double>(context_)),
                values.first(static_cast<std::size_t>(embedding_size())));
    fill_normal(key, 1, 0.1 / std::sqrt(static_cast<double>(width_)),
                values.subspan(static_cast<std::size_t>(embedding_size()),
                               static_cast<std::size_t>(width_ * kBytes)));
  }

  void push_token(std::int64_t newest, TaskBatch<Scalar>& batch) const {
    const auto byte_at = [&](std::int64_t i) {
      return static_cast<unsigned char>(text_[static_cast<std::size_t>(i)]);
    };
    for (std::int64_t c = 0; c < context_; ++c) batch.context.push_back(byte_at(newest - c));
    batch.token_class.push_back(byte_class(byte_at(newest)));
    batch.target_byte.push_back(byte_at(newest + 1));
  }

  /// The summed loss; logits_ becomes the gradient of the mean loss with respect to the logits.
  double cross_entropy(const TaskBatch<Scalar>& batch, std::span<double> token_loss) {
    const Scalar* bias = parameters_.value.data() + bias_offset();
    const Scalar mean_weight = Scalar{1} / static_cast<Scalar>(batch.tokens);
    double total = 0;
    for (std::int64_t t = 0; t < batch.tokens; ++t) {
      Scalar* row = logits_.row(t);
      for (std::int64_t v = 0; v < kBytes; ++v) row[v] += bias[v];
      const Scalar largest = *std::max_element(row, row + kBytes);
      const auto target = batch.target_byte[static_cast<std::size_t>(t)];
      const Scalar target_logit = row[target] - largest;
      Scalar sum = 0;
      for (std::int64_t v = 0; v < kBytes; ++v) sum += row[v] = std::exp(row[v] - largest);
      const double own = static_cast<double>(std::log(sum) - target_logit);
      token_loss[static_cast<std::size_t>(t)] = own;
      total += own;
      for (std::int64_t v = 0; v < kBytes; ++v) row[v] *= mean_weight / sum;
      row[target] -= mean_weight;
    }
    return total;
  }

  void loss_backward(const Matrix<Scalar>& output, Matrix<Scalar>& output_gradient) {
    const auto& math = products<Scalar>();
    output_gradient.reshape(output.rows, width_);
    math.multiply_right_transposed(output.rows, width_, kBytes, logits_.data(), unembedding(),
                                   output_gradient.data());
    math.multiply_left_transposed(width_, kBytes, output.rows, output.data(), logits_.data(),
                                  parameters_.gradient.data() + embedding_size());
    Scalar* bias_gradient = parameters_.gradient.data() + bias_offset();
    for (std::int64_t t = 0; t < output.rows; ++t) {
      for (std::int64_t v = 0; v < kBytes; ++v) bias_gradient[v] += logits_.at(t, v);
    }
  }

  std::string text_;
  std::int64_t context_;
  std::int64_t tokens_;
  std::int64_t sequence_tokens_;
  std::int64_t width_;
  std::uint64_t seed_;
  std::int64_t train_end_ = 0;  ///< bytes before it train, the others evaluate
  ParameterBlock<Scalar> parameters_;
  Matrix<Scalar> logits_;
};

}  // namespace

int byte_class(unsigned char byte) {
  if (byte <= ' ' || byte == 127) return 0;
  if (byte >= 'a' && byte <= 'z') return 1;
  if (byte >= 'A' && byte <= 'Z') return 2;
  if (byte >= '0' && byte <= '9') return 3;
  return byte < 128 ? 4 : 5;
}

template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_text_task(const NamedChoice& choice,
                                                     const TrainConfig& config) {
  return std::make_unique<TextTask<Scalar>>(choice, config);
}

template std::unique_ptr<TrainingTask<float>> make_text_task(const NamedChoice&,
                                                             const TrainConfig&);
template std::unique_ptr<TrainingTask<double>> make_text_task(const NamedChoice&,
                                                              const TrainConfig&);

}  // namespace hotexpert::training
