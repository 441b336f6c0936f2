// Host stand-ins for the launchers of products: the schedule's tiles one after another, each by
// plain multiply-adds.

#include <algorithm>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda/grouped_product.hpp"
#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/cuda/sm90/grouped_gemm.hpp"
#include "kernels/cuda/wgrad_product.hpp"
#include "tests/devices/fake_launch.hpp"
#include "tests/devices/fake_tensor_map.hpp"
#include "tests/kernels/cuda/host_block.hpp"

namespace hotexpert {
namespace {

using test::HostBlock;
using test::launch;

struct Tiles {
  int rows = 0;
  int columns = 0;  ///< of the output
};

template <class Element>
Element rounded(float value) {
  if constexpr (std::is_same_v<Element, float>) {
    return value;
  } else {
    return to_bf16(value);
  }
}

template <class Element>
float dot(const Element* a, const Element* b, std::int64_t count) {
  float sum = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) sum += to_float(a[i]) * to_float(b[i]);
  return sum;
}

template <class Element>
void compute_tile(const GroupedProduct& p, const Tile& tile, int tile_columns) {
  const auto* x = static_cast<const Element*>(p.x);
  const auto* weights =
      static_cast<const Element*>(p.weights) + std::int64_t{tile.expert} * p.weight_rows * p.inner;
  auto* out = static_cast<Element*>(p.out);
  const int first = tile.column_tile * tile_columns;
  const int end = std::min(p.columns, first + tile_columns);
  for (std::int64_t row = tile.first_row; row < tile.first_row + tile.rows; ++row) {
    for (std::int64_t column = first; column < end; ++column) {
      const float z = dot(x + row * p.inner, weights + column * p.inner, p.inner);
      const float value =
          p.epilogue == Epilogue::kSwiglu
              ? swiglu(z, dot(x + row * p.inner, weights + (p.columns + column) * p.inner, p.inner))
              : activated(p.epilogue, z);
      out[row * p.columns + column] = rounded<Element>(value);
    }
  }
}

/// @param records null: untraced; else in cycles, dealt out to the multiprocessors
void compute(const GroupedProduct& p, DataType dtype, const Tiles& tiles, TileRecord* records) {
  const std::int64_t count = tile_count(p.table, p.column_tiles);
  auto& device = test::fake_cuda();
  for (std::int64_t index = 0; index < count; ++index) {
    const Tile tile = tile_at(p.table, index, p.column_tiles, tiles.rows, p.row_group);
    if (dtype == DataType::kFp32) {
      compute_tile<float>(p, tile, tiles.columns);
    } else {
      compute_tile<Bf16>(p, tile, tiles.columns);
    }
    if (records == nullptr) continue;
    const std::int64_t each = device.multiprocessors;
    const auto begin = static_cast<double>(device.now_ns) + 5 * static_cast<double>(index / each);
    records[index] = {static_cast<std::uint64_t>(1.7 * begin),
                      static_cast<std::uint64_t>(1.7 * (begin + 5)),
                      tile.expert,
                      static_cast<std::int32_t>(index % each),
                      tile.row_tile,
                      tile.column_tile};
  }
}

/// A SwiGLU tile reads as many weight rows as others: gates and ups, so it has half the columns.
Tiles paired(Tiles tiles, Epilogue epilogue) {
  if (epilogue == Epilogue::kSwiglu) tiles.columns /= 2;
  return tiles;
}

cudaError_t launch_sm90(const char* name, const sm90::GroupedGemm& gemm, int tile_rows,
                        TileRecord* records, cudaStream_t stream) {
  GroupedProduct p;
  p.table = gemm.table;
  p.x = test::matrix_of(*gemm.x_map);
  p.weights = test::matrix_of(*gemm.weight_map);
  p.out = gemm.out;
  p.columns = gemm.columns;
  p.inner = gemm.inner;
  p.weight_rows = gemm.weight_rows;
  p.column_tiles = gemm.column_tiles;
  p.row_group = gemm.row_group;
  p.epilogue = gemm.epilogue;
  const Tiles tiles = paired({tile_rows, sm90::kTileColumns}, p.epilogue);
  return launch(name, stream, [=] { compute(p, DataType::kBf16, tiles, records); });
}

template <class Element>
void compute_part(const WgradProduct& p, const WgradPart& part) {
  const std::int64_t elements = std::int64_t{p.left_columns} * p.right_columns;
  float* out = part.slot < 0 ? p.gradient + part.expert * elements : p.slots + part.slot * elements;
  std::fill(out, out + elements, 0.0F);
  for (std::int64_t row = part.first_row; row < part.first_row + part.rows; ++row) {
    const auto* left = static_cast<const Element*>(p.left) + row * p.left_columns;
    const auto* right = static_cast<const Element*>(p.right) + row * p.right_columns;
    for (std::int64_t l = 0; l < p.left_columns; ++l)
      for (std::int64_t r = 0; r < p.right_columns; ++r)
        out[l * p.right_columns + r] += to_float(left[l]) * to_float(right[r]);
  }
}

cudaError_t launch_wgrad(const char* name, const WgradProduct& p, DataType dtype,
                         cudaStream_t stream) {
  return launch(name, stream, [=] {
    for (std::int64_t part = 0; part < wgrad_tile_count(p.table, 1, 1); ++part) {
      const auto whole = wgrad_tile_at(p.table, part, 1, 1);
      if (dtype == DataType::kFp32) {
        compute_part<float>(p, whole);
      } else {
        compute_part<Bf16>(p, whole);
      }
    }
  });
}

}  // namespace

cudaError_t launch_grouped_plain(const GroupedProduct& product, DataType dtype, int,
                                 cudaStream_t stream) {
  return launch("grouped_plain", stream, [=] {
    compute(product, dtype, {kPlainTileRows, kPlainTileColumns}, nullptr);
  });
}

cudaError_t launch_grouped_mma(const GroupedProduct& product, int, cudaStream_t stream) {
  const Tiles tiles = paired({kMmaTileRows, kMmaTileColumns}, product.epilogue);
  return launch("grouped_mma", stream, [=] { compute(product, DataType::kBf16, tiles, nullptr); });
}

namespace sm90 {

cudaError_t launch_grouped(const GroupedGemm& gemm, int tile_rows, int, cudaStream_t stream) {
  return launch_sm90("grouped_sm90", gemm, tile_rows, nullptr, stream);
}
cudaError_t launch_grouped_bulk(const GroupedGemm& gemm, int tile_rows, int, cudaStream_t stream) {
  return launch_sm90("grouped_sm90_bulk", gemm, tile_rows, nullptr, stream);
}
cudaError_t launch_grouped_cluster(const GroupedGemm& gemm, int tile_rows, int,
                                   cudaStream_t stream) {
  return launch_sm90("grouped_sm90_cluster", gemm, 2 * tile_rows, nullptr, stream);
}
cudaError_t launch_grouped_traced(const GroupedGemm& gemm, int tile_rows, int,
                                  cudaStream_t stream) {
  return launch_sm90("grouped_sm90_traced", gemm, tile_rows, gemm.records, stream);
}

}  // namespace sm90

void launch_wgrad_layout(int num_experts, const std::int32_t* rows, std::int32_t split_rows,
                         std::int32_t* order, std::int32_t* parts_before, DeviceStream stream) {
  launch("wgrad_layout", stream, [=] {
    std::vector<std::int32_t> scratch(static_cast<std::size_t>(num_experts));
    layout_wgrad(HostBlock{}, num_experts, rows, split_rows, order, parts_before, scratch.data());
  });
}

cudaError_t launch_wgrad_plain(const WgradProduct& product, DataType dtype, int,
                               cudaStream_t stream) {
  return launch_wgrad("wgrad_plain", product, dtype, stream);
}
cudaError_t launch_wgrad_mma(const WgradProduct& product, int, cudaStream_t stream) {
  return launch_wgrad("wgrad_mma", product, DataType::kBf16, stream);
}

void launch_wgrad_sums(const WgradProduct& product, DeviceStream stream) {
  if (product.slots == nullptr || product.table.num_experts == 0) return;
  launch("wgrad_sums", stream, [=] {
    const auto& table = product.table;
    const std::int64_t elements = std::int64_t{product.left_columns} * product.right_columns;
    for (int place = 0; place < table.num_experts; ++place) {
      float* gradient = product.gradient + table.order[place] * elements;
      for (std::int64_t i = 0; i < elements; ++i)
        gradient[i] = wgrad_sum(table, place, product.slots, elements, i, gradient[i]);
    }
  });
}

}  // namespace hotexpert
