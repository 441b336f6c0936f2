// Trainer::checkpoint and Trainer::restore: a flat sequence of length-prefixed arrays, in native
// byte order, after a line that names format and configuration.
#include <fmt/format.h>

#include <cstring>
#include <string>
#include <type_traits>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/training/products.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert::training {
namespace {

class Writer {
 public:
  template <class Range>
  void array(const Range& values) {
    using Value = std::remove_cvref_t<decltype(*std::data(values))>;
    static_assert(std::is_trivially_copyable_v<Value>);
    const auto count = static_cast<std::uint64_t>(std::size(values));
    raw(&count, sizeof count);
    raw(std::data(values), count * sizeof(Value));
  }
  std::vector<std::byte> bytes;

 private:
  void raw(const void* from, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(from);
    bytes.insert(bytes.end(), begin, begin + size);
  }
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class Value>
  void array(std::vector<Value>& values) {
    const std::uint64_t count = length(sizeof(Value));
    values.resize(count);
    copy(values.data(), count * sizeof(Value));
  }
  /// An array that must have the size of `values`.
  template <class Value>
  void fill(std::span<Value> values) {
    if (length(sizeof(Value)) != values.size()) damaged();
    copy(values.data(), values.size_bytes());
  }
  std::string text() {
    std::string value(length(1), '\0');
    copy(value.data(), value.size());
    return value;
  }
  void end() const {
    if (!rest_.empty()) damaged();
  }
  [[noreturn]] static void damaged() {
    throw InputError("the training checkpoint is damaged; delete it and train again");
  }

 private:
  std::uint64_t length(std::size_t value_size) {
    std::uint64_t count = 0;
    copy(&count, sizeof count);
    if (count > rest_.size() / value_size) damaged();
    return count;
  }
  void copy(void* to, std::size_t size) {
    if (size > rest_.size()) damaged();
    if (size > 0) std::memcpy(to, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::span<const std::byte> rest_;
};

/// Everything a run's bytes depend on. `steps` is left out: a finished run can be continued.
std::string fingerprint(const TrainConfig& config) {
  const auto& o = config.optimizer;
  return fmt::format(
      "hotexpert-training/1 {} task={} corpus={} method={} E={} k={} d_model={} d_ff={} "
      "activation={} score={} renormalize={} capacity={} tokens={} micro_batches={} "
      "sequence_tokens={} seed={} optimizer={} {} {} {} {} {} {} init={} {}",
      products_instruction_set(), config.task, config.corpus, config.method, config.num_experts,
      config.top_k, config.d_model, config.d_ff, name(config.activation),
      static_cast<int>(config.score), config.renormalize,
      config.capacity_factor ? config.capacity_factor->to_string() : "none", config.tokens,
      config.micro_batches, config.sequence_tokens, config.seed, static_cast<int>(o.kind),
      shortest(o.learning_rate), shortest(o.momentum), shortest(o.beta1), shortest(o.beta2),
      shortest(o.epsilon), shortest(o.weight_decay), shortest(config.router_init_std),
      shortest(config.expert_init_gain));
}

}  // namespace

std::vector<std::byte> Trainer::checkpoint() {
  Writer out;
  out.array(fingerprint(config()));
  out.array(std::vector<std::int64_t>{optimizer_.steps_taken()});
  for (const auto* block : model_.blocks()) out.array(block->value);
  for (const auto& moments : optimizer_.first_moments()) out.array(moments);
  for (const auto& moments : optimizer_.second_moments()) out.array(moments);
  out.array(model_.rule_memory());
  out.array(record_.steps);
  out.array(record_.load);
  out.array(record_.gradient_norm);
  out.array(record_.rule_memory);
  out.array(record_.kept_load);
  return std::move(out.bytes);
}

void Trainer::restore(std::span<const std::byte> bytes) {
  Reader in(bytes);
  if (in.text() != fingerprint(config())) {
    throw InputError(
        "the training checkpoint belongs to another configuration or processor; delete it and "
        "train again");
  }
  std::vector<std::int64_t> steps;
  in.array(steps);
  if (steps.size() != 1 || steps[0] < 0) Reader::damaged();
  optimizer_.steps_taken() = steps[0];
  for (auto* block : model_.blocks()) in.fill(std::span(block->value));
  if (steps[0] > 0) {
    optimizer_.allocate(model_.blocks());
    for (auto& moments : optimizer_.first_moments()) in.fill(std::span(moments));
    for (auto& moments : optimizer_.second_moments()) in.fill(std::span(moments));
  }
  in.fill(model_.rule_memory());
  in.array(record_.steps);
  in.array(record_.load);
  in.array(record_.gradient_norm);
  in.array(record_.rule_memory);
  in.array(record_.kept_load);
  in.end();
  record_.num_experts = config().num_experts;
  failure_.reset();
}

}  // namespace hotexpert::training
