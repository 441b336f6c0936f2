#include "sim/traces/token_scan.hpp"

#include <algorithm>
#include <cstring>

#include "sim/traces/id_kernels.hpp"

namespace hotexpert {

class TokenScan::Lanes {
 public:
  virtual ~Lanes() = default;
  virtual void add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load) = 0;
  std::vector<std::int64_t> common;  // [layers]
};

namespace {

constexpr std::size_t kChunkIds = 32768;    // handled together: a few cache lines a layer
constexpr std::size_t kMostCount = 0xffff;  // of a counter
constexpr std::size_t kHistograms = 4;      // equal ids of neighbours do not wait for each other
constexpr std::size_t kReadBehind = 64;     // what the kernels may read behind

/// Every id is an expert: as import saw, or because every byte is one.
bool is_sound(const TraceArrays& arrays, std::uint32_t num_experts) {
  if (arrays.absent_id) return false;
  if (arrays.topk_ids.type == ElementType::kU8 && num_experts >= 256) return true;
  return arrays.every_slot_is_sound &&
         static_cast<std::uint32_t>(arrays.num_experts) <= num_experts;
}

/// Ids of a chunk lie by layer, each layer's behind a copy of its last row of the chunk before:
/// its overlap and its load are then loops over one row of ids, whatever the slots.
template <class Lane>
class LaneScan : public TokenScan::Lanes {
 public:
  LaneScan(const TraceArrays& arrays, std::uint32_t num_experts)
      : arrays_(arrays),
        kernels_(id_kernels<Lane>()),
        layers_(static_cast<std::size_t>(arrays.layers())),
        slots_(static_cast<std::size_t>(arrays.slots())),
        row_(layers_ * slots_),
        experts_(num_experts),
        none_(static_cast<Lane>(num_experts)),
        sound_(is_sound(arrays, num_experts)),
        chunk_tokens_(std::max<std::size_t>(1, std::min(kChunkIds / row_, kMostCount / slots_))),
        in_front_(2 * slots_),
        layer_stride_(in_front_ + chunk_tokens_ * slots_ + kReadBehind),
        masks_(slots_ > kMostMaskedSlots ? std::vector<Lane>{}
                                         : slot_masks<Lane>(slots_, kernels_.lanes)),
        flat_(sound_ && arrays.topk_ids.type == ElementType::kU8 && sizeof(Lane) == 1
                  ? 0
                  : chunk_tokens_ * row_),
        by_layer_(layers_ * layer_stride_),
        counts_(layers_ * kHistograms * bins()) {
    common.resize(layers_);
  }

  void add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load) override {
    std::size_t counted = 0;
    while (first < last) {
      const auto left = static_cast<std::size_t>(last - first);
      const auto tokens = std::min(chunk_tokens_, left);
      if ((counted + tokens) * slots_ > kMostCount) {
        flush(load);
        counted = 0;
      }
      add_chunk(first, tokens);
      counted += tokens;
      first += static_cast<std::int64_t>(tokens);
    }
    flush(load);
  }

 private:
  [[nodiscard]] std::size_t bins() const { return experts_ + 1; }  // the last: no expert

  void add_chunk(std::int64_t first, std::size_t tokens) {
    const Lane* const ids = chunk_ids(first, tokens);
    switch (slots_) {
      case 1:
        by_layer<1>(ids, tokens);
        break;
      case 2:
        by_layer<2>(ids, tokens);
        break;
      case 4:
        by_layer<4>(ids, tokens);
        break;
      case 6:
        by_layer<6>(ids, tokens);
        break;
      case 8:
        by_layer<8>(ids, tokens);
        break;
      default:
        by_layer<0>(ids, tokens);
    }
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      Lane* const rows = by_layer_.data() + layer * layer_stride_ + in_front_;
      if (first == 0) {
        // The first token has none before it.
        if (tokens > 1) common[layer] += overlap(rows + slots_, (tokens - 1) * slots_);
      } else {
        common[layer] += overlap(rows, tokens * slots_);
      }
      count(rows, tokens * slots_, counts_.data() + layer * kHistograms * bins());
      std::copy_n(rows + (tokens - 1) * slots_, slots_, rows - slots_);
    }
  }

  /// The chunk's ids in file order, as lanes: in the file itself where it holds such.
  const Lane* chunk_ids(std::int64_t first, std::size_t tokens) {
    const auto type = arrays_.topk_ids.type;
    const std::byte* const ids =
        arrays_.topk_ids.data + static_cast<std::size_t>(first) * row_ * size_of(type);
    if (flat_.empty()) return reinterpret_cast<const Lane*>(ids);
    const auto count = tokens * row_;
    const auto row = static_cast<std::size_t>(type);
    if (sound_) {
      kernels_.narrow[row](ids, count, experts_, flat_.data());
    } else {
      kernels_.replace[row](ids, count, experts_, arrays_.absent_id.value_or(kAbsent), none_,
                            flat_.data());
    }
    return flat_.data();
  }

  /// @tparam k the slots when they are known to the compiler, or 0
  template <std::size_t k>
  void by_layer(const Lane* ids, std::size_t tokens) {
    const std::size_t slots = k > 0 ? k : slots_;
    // Bytes may alias anything: only what is local stays in registers.
    const std::size_t layers = layers_;
    const std::size_t stride = layer_stride_;
    Lane* to = by_layer_.data() + in_front_;
    for (std::size_t token = 0; token < tokens; ++token, to += slots) {
      Lane* row = to;
      for (std::size_t layer = 0; layer < layers; ++layer, row += stride, ids += slots)
        std::memcpy(row, ids, slots * sizeof(Lane));
    }
  }

  std::int64_t overlap(const Lane* ids, std::size_t count) const {
    if (masks_.empty()) return overlap_plainly(ids, count);
    return kernels_.overlap(ids, count, slots_, masks_.data(), none_, !sound_);
  }

  std::int64_t overlap_plainly(const Lane* ids, std::size_t count) const {
    std::int64_t hits = 0;
    for (const Lane* row = ids; row < ids + count; row += slots_) {
      for (const Lane* id = row; id < row + slots_; ++id)
        hits += (*id != none_ || sound_) && std::find(row - slots_, row, *id) != row;
    }
    return hits;
  }

  void count(const Lane* ids, std::size_t count, std::uint16_t* counts) const {
    if (experts_ <= kernels_.lanes) {
      kernels_.tally(ids, count, experts_, counts);
      return;
    }
    std::uint16_t* const a = counts;
    std::uint16_t* const b = a + bins();
    std::uint16_t* const c = b + bins();
    std::uint16_t* const d = c + bins();
    const std::size_t quarter = count / kHistograms;
    const Lane* const end = ids + quarter;
    for (const Lane* id = ids; id < end; ++id) {
      ++a[id[0]];
      ++b[id[quarter]];
      ++c[id[2 * quarter]];
      ++d[id[3 * quarter]];
    }
    for (std::size_t i = kHistograms * quarter; i < count; ++i) ++a[ids[i]];
  }

  void flush(std::vector<std::int64_t>& load) {
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      const std::uint16_t* const counts = counts_.data() + layer * kHistograms * bins();
      for (std::size_t h = 0; h < kHistograms; ++h) {
        for (std::size_t e = 0; e < experts_; ++e)
          load[layer * experts_ + e] += counts[h * bins() + e];
      }
    }
    std::fill(counts_.begin(), counts_.end(), std::uint16_t{0});
  }

  const TraceArrays& arrays_;
  const IdKernels<Lane>& kernels_;
  std::size_t layers_;
  std::size_t slots_;
  std::size_t row_;  // layers * slots: ids of a token
  std::uint32_t experts_;
  Lane none_;                 // stands for what is no expert, where there may be such
  bool sound_;                // there is none
  std::size_t chunk_tokens_;  // of a chunk, at most
  std::size_t in_front_;      // of a layer's rows: the token before, and what kernels may read
  std::size_t layer_stride_;
  std::vector<Lane> masks_;            // of slot_masks
  std::vector<Lane> flat_;             // [tokens, layers, slots] of the chunk
  std::vector<Lane> by_layer_;         // [layers, layer_stride]
  std::vector<std::uint16_t> counts_;  // [layers, histograms, bins]
};

}  // namespace

TokenScan::TokenScan(const TraceArrays& arrays, int num_experts) {
  const auto experts = static_cast<std::uint32_t>(num_experts);
  // In one byte where beside the experts there is a value for what is none, or no need for it.
  if (experts < 256 || (experts == 256 && is_sound(arrays, experts))) {
    lanes_ = std::make_unique<LaneScan<std::uint8_t>>(arrays, experts);
  } else {
    lanes_ = std::make_unique<LaneScan<std::uint16_t>>(arrays, experts);
  }
}

TokenScan::~TokenScan() = default;

void TokenScan::add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load) {
  lanes_->add(first, last, load);
}

const std::vector<std::int64_t>& TokenScan::common() const { return lanes_->common; }

}  // namespace hotexpert
