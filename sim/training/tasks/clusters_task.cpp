#include "sim/training/tasks/clusters_task.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sim/training/products.hpp"
#include "sim/training/training_random.hpp"

namespace hotexpert::training {
namespace {

template <class Scalar>
class ClustersTask final : public TrainingTask<Scalar> {
 public:
  ClustersTask(const NamedChoice& choice, const TrainConfig& config)
      : groups_(choice.get_integer("groups")),
        noise_(choice.get("noise")),
        mean_(choice.get("mean")),
        shared_(choice.get("shared")),
        stickiness_(choice.get("stickiness")),
        tokens_(config.tokens),
        sequence_tokens_(config.sequence_tokens),
        width_(config.d_model),
        seed_(config.seed) {
    draw_truth();
    set_popularity(choice.get("exponent"));
  }

  [[nodiscard]] int num_classes() const override { return static_cast<int>(groups_); }

  void draw(Split split, std::uint32_t step, TaskBatch<Scalar>& batch) const override {
    batch.tokens = tokens_;
    draw_clusters(split, step, batch.token_class);
    draw_features(split, step, batch);
    set_targets(batch);
  }

  void embed(const TaskBatch<Scalar>& batch, Matrix<Scalar>& hidden) const override {
    hidden = batch.features;
  }

  double loss(const TaskBatch<Scalar>& batch, const Matrix<Scalar>& output,
              std::span<double> token_loss, Matrix<Scalar>* output_gradient) override {
    if (output_gradient != nullptr) output_gradient->reshape(output.rows, output.cols);
    const double gradient_scale = 2.0 / static_cast<double>(output.rows * output.cols);
    double total = 0;
    for (std::int64_t t = 0; t < output.rows; ++t) {
      double squared = 0;
      for (std::int64_t j = 0; j < output.cols; ++j) {
        const Scalar error = output.at(t, j) - batch.target.at(t, j);
        squared += static_cast<double>(error) * static_cast<double>(error);
        if (output_gradient != nullptr) {
          output_gradient->at(t, j) = static_cast<Scalar>(gradient_scale) * error;
        }
      }
      token_loss[static_cast<std::size_t>(t)] = squared / static_cast<double>(output.cols);
      total += squared;
    }
    return total / static_cast<double>(output.rows * output.cols);
  }

  void embed_backward(const TaskBatch<Scalar>&, const Matrix<Scalar>&) override {}
  [[nodiscard]] bool trains_embedding() const override { return false; }
  ParameterBlock<Scalar>& parameters() override { return none_; }

 private:
  /// Centres with the common direction added, and the clusters' maps.
  void draw_truth() {
    centres_.reshape(groups_, width_);
    maps_.reshape(groups_, width_ * width_);
    const RandomKey key = draw_key(seed_, DrawStream::kTaskTruth);
    std::vector<Scalar> direction(static_cast<std::size_t>(width_));
    std::vector<Scalar> common(static_cast<std::size_t>(width_ * width_));
    const double map_scale = 1.0 / std::sqrt(static_cast<double>(width_));
    fill_normal(key, 0, mean_, std::span(direction));
    fill_normal(key, 1, map_scale * std::sqrt(shared_), std::span(common));
    for (std::int64_t g = 0; g < groups_; ++g) {
      const auto item = static_cast<std::uint32_t>(2 * g + 2);
      const std::span centre(centres_.row(g), direction.size());
      const std::span map(maps_.row(g), common.size());
      fill_normal(key, item, 1.0, centre);
      fill_normal(key, item + 1, map_scale * std::sqrt(1 - shared_), map);
      std::transform(centre.begin(), centre.end(), direction.begin(), centre.begin(),
                     std::plus<>());
      std::transform(map.begin(), map.end(), common.begin(), map.begin(), std::plus<>());
    }
  }

  void set_popularity(double exponent) {
    double total = 0;
    for (std::int64_t g = 0; g < groups_; ++g) {
      total += portable_exp(-exponent * portable_log(static_cast<double>(g + 1)));
      cumulative_.push_back(total);
    }
  }

  void draw_clusters(Split split, std::uint32_t step, std::vector<std::int32_t>& cluster) const {
    const auto stream =
        split == Split::kTrain ? DrawStream::kTrainTokens : DrawStream::kEvaluationTokens;
    const RandomKey key = draw_key(seed_, stream, step);
    cluster.resize(static_cast<std::size_t>(tokens_));
    for (std::int64_t t = 0; t < tokens_; ++t) {
      const auto words = philox(key, static_cast<std::uint32_t>(t), 0);
      const bool follows = t % sequence_tokens_ != 0 && unit_interval(words[2]) < stickiness_;
      const double level = unit_interval(words[0], words[1]) * cumulative_.back();
      const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, level);
      const auto i = static_cast<std::size_t>(t);
      cluster[i] =
          follows ? cluster[i - 1] : static_cast<std::int32_t>(place - cumulative_.begin());
    }
  }

  void draw_features(Split split, std::uint32_t step, TaskBatch<Scalar>& batch) const {
    const auto stream =
        split == Split::kTrain ? DrawStream::kTrainNoise : DrawStream::kEvaluationNoise;
    const RandomKey key = draw_key(seed_, stream, step);
    const double scale = 1.0 / std::sqrt(mean_ * mean_ + 1.0 + noise_ * noise_);
    batch.features.reshape(tokens_, width_);
    for (std::int64_t t = 0; t < tokens_; ++t) {
      Scalar* x = batch.features.row(t);
      fill_normal(key, static_cast<std::uint32_t>(t), noise_ * scale,
                  std::span(x, static_cast<std::size_t>(width_)));
      const Scalar* centre = centres_.row(batch.token_class[static_cast<std::size_t>(t)]);
      for (std::int64_t j = 0; j < width_; ++j) x[j] += static_cast<Scalar>(scale) * centre[j];
    }
  }

  /// target = x + x A_g, one product a cluster on gathered rows.
  void set_targets(TaskBatch<Scalar>& batch) const {
    batch.target = batch.features;
    std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(groups_));
    for (std::int64_t t = 0; t < tokens_; ++t) {
      members[static_cast<std::size_t>(batch.token_class[static_cast<std::size_t>(t)])].push_back(
          t);
    }
    Matrix<Scalar> rows;
    Matrix<Scalar> mapped;
    for (std::int64_t g = 0; g < groups_; ++g) {
      const auto& tokens = members[static_cast<std::size_t>(g)];
      const auto count = static_cast<std::int64_t>(tokens.size());
      if (count == 0) continue;
      rows.reshape(count, width_);
      mapped.reshape(count, width_);
      for (std::int64_t r = 0; r < count; ++r) {
        std::copy_n(batch.features.row(tokens[static_cast<std::size_t>(r)]), width_, rows.row(r));
      }
      products<Scalar>().multiply(count, width_, width_, rows.data(), maps_.row(g), mapped.data());
      for (std::int64_t r = 0; r < count; ++r) {
        Scalar* target = batch.target.row(tokens[static_cast<std::size_t>(r)]);
        for (std::int64_t j = 0; j < width_; ++j) target[j] += mapped.at(r, j);
      }
    }
  }

  std::int64_t groups_;
  double noise_;
  double mean_;
  double shared_;
  double stickiness_;
  std::int64_t tokens_;
  std::int64_t sequence_tokens_;
  std::int64_t width_;
  std::uint64_t seed_;
  Matrix<Scalar> centres_;          ///< [G, d] common direction included
  Matrix<Scalar> maps_;             ///< [G, d * d]
  std::vector<double> cumulative_;  ///< [G] popularity up to and including a cluster
  ParameterBlock<Scalar> none_;
};

}  // namespace

template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_clusters_task(const NamedChoice& choice,
                                                         const TrainConfig& config) {
  return std::make_unique<ClustersTask<Scalar>>(choice, config);
}

template std::unique_ptr<TrainingTask<float>> make_clusters_task(const NamedChoice&,
                                                                 const TrainConfig&);
template std::unique_ptr<TrainingTask<double>> make_clusters_task(const NamedChoice&,
                                                                  const TrainConfig&);

}  // namespace hotexpert::training
