#include "kernels/cpu/packed_gemm.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/cpu/onednn_support.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

using dnnl::memory;
using namespace onednn;

dnnl::matmul::primitive_desc describe(std::int64_t rows, std::int64_t inner, std::int64_t outer,
                                      DataType dtype, const memory::desc& weights,
                                      bool accumulate) {
  const dnnl::matmul::desc product(row_major(rows, inner, onednn_type(dtype)), weights,
                                   row_major(rows, outer, memory::data_type::f32));
  return {product, product_attributes(accumulate), cpu_engine()};
}

}  // namespace

PackedGemm::PackedGemm(const ColumnBlocks& inner, const ColumnBlocks& outer, DataType dtype,
                       int max_rows)
    : inner_(inner), outer_(outer), dtype_(dtype) {
  const OneThread one_thread;
  for (const auto k : {inner.size(0), inner.size(inner.count() - 1)}) {
    for (const auto n : {outer.size(0), outer.size(outer.count() - 1)}) {
      if (shapes_.contains({k, n})) continue;
      const memory::desc any({k, n}, onednn_type(dtype), memory::format_tag::any);
      BlockShape shape;
      shape.inner = k;
      shape.outer = n;
      shape.packed = describe(max_rows, k, n, dtype, any, false).weights_desc();
      shape.first.resize(static_cast<std::size_t>(max_rows) + 1);
      shape.next.resize(static_cast<std::size_t>(max_rows) + 1);
      shapes_.emplace(std::pair{k, n}, std::move(shape));
    }
  }
}

const PackedGemm::BlockShape& PackedGemm::shape(std::int64_t inner_block,
                                                std::int64_t outer_block) const {
  return shapes_.at({inner_.size(inner_block), outer_.size(outer_block)});
}

PackedGemm::Weights PackedGemm::pack(const std::byte* row_major, int threads) const {
  return pack_strided(row_major, outer_.columns, 1, threads);
}

PackedGemm::Weights PackedGemm::pack_transposed(const std::byte* transpose, int threads) const {
  return pack_strided(transpose, 1, inner_.columns, threads);
}

PackedGemm::Weights PackedGemm::pack_strided(const std::byte* corner, std::int64_t row_stride,
                                             std::int64_t column_stride, int threads) const {
  Weights weights;
  std::vector<std::int64_t> offsets;
  std::int64_t bytes = 0;
  for (std::int64_t k = 0; k < inner_.count(); ++k) {
    for (std::int64_t n = 0; n < outer_.count(); ++n) {
      offsets.push_back(bytes);
      bytes += cache_lines(shape(k, n).packed.get_size());
    }
  }
  weights.memory = AlignedBuffer(bytes);
  weights.blocks.resize(offsets.size());
  parallel_tasks(threads, std::ssize(offsets), [&](std::int64_t task, int) {
    const auto block = static_cast<std::size_t>(task);
    const std::int64_t k = task / outer_.count();
    const std::int64_t n = task % outer_.count();
    const auto& shape_here = shape(k, n);
    const memory::desc plain({shape_here.inner, shape_here.outer}, onednn_type(dtype_),
                             memory::dims{row_stride, column_stride});
    const std::int64_t first = inner_.begin(k) * row_stride + outer_.begin(n) * column_stride;
    auto from = at(plain, corner + first * bytes_per_element(dtype_));
    weights.blocks[block] = at(shape_here.packed, weights.memory.data() + offsets[block]);
    dnnl::stream stream(cpu_engine());
    dnnl::reorder(from, weights.blocks[block]).execute(stream, from, weights.blocks[block]);
    stream.wait();
  });
  return weights;
}

PackedGemm::Scratch PackedGemm::make_scratch() { return {{}, dnnl::stream(cpu_engine())}; }

std::unique_ptr<PackedGemm::Primitive> PackedGemm::make_primitive(const BlockShape& shape, int rows,
                                                                  bool accumulate) {
  const auto described = describe(rows, shape.inner, shape.outer, dtype_, shape.packed, accumulate);
  scratch_bytes_ = std::max(scratch_bytes_, cache_lines(described.scratchpad_desc().get_size()));
  return std::make_unique<Primitive>(Primitive{dnnl::matmul(described), described.src_desc(),
                                               described.dst_desc(), described.scratchpad_desc()});
}

void PackedGemm::prepare(int rows) {
  const OneThread one_thread;
  const auto index = static_cast<std::size_t>(rows);
  for (auto& [widths, shape] : shapes_) {
    if (shape.first[index] != nullptr) continue;
    shape.first[index] = make_primitive(shape, rows, false);
    if (inner_.count() > 1) shape.next[index] = make_primitive(shape, rows, true);
  }
}

void PackedGemm::run(int rows, const RowsView& a, const Weights& weights, std::int64_t block,
                     float* c, const Scratch& scratch) const {
  const auto index = static_cast<std::size_t>(rows);
  for (std::int64_t k = 0; k < inner_.count(); ++k) {
    const auto& shape_here = shape(k, block);
    const auto& primitive = *(k == 0 ? shape_here.first : shape_here.next)[index];
    const auto from = at(primitive.a, a.at(k));
    const auto to = at(primitive.c, c);
    const auto pad = at(primitive.scratch, scratch.memory.data());
    const auto& packed = weights.blocks[static_cast<std::size_t>(k * outer_.count() + block)];
    const std::array<dnnl_exec_arg_t, 4> arguments = {{{DNNL_ARG_SRC, from.get()},
                                                       {DNNL_ARG_WEIGHTS, packed.get()},
                                                       {DNNL_ARG_DST, to.get()},
                                                       {DNNL_ARG_SCRATCHPAD, pad.get()}}};
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(primitive.matmul.get(), scratch.stream.get(),
                               static_cast<int>(arguments.size()), arguments.data()),
        "oneDNN could not run a matrix product");
  }
}

std::string PackedGemm::implementation() const {
  const OneThread one_thread;
  const auto& shape_here = shape(0, 0);
  const auto rows = static_cast<std::int64_t>(shape_here.first.size()) - 1;
  return describe(rows, shape_here.inner, shape_here.outer, dtype_, shape_here.packed, false)
      .impl_info_str();
}

}  // namespace hotexpert
