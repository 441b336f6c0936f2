#include "kernels/cpu/outer_gemm.hpp"

#include <algorithm>
#include <array>

#include "kernels/cpu/onednn_support.hpp"

namespace hotexpert {

using dnnl::memory;
using namespace onednn;

std::int64_t OuterGemm::tile_begin(std::int64_t tile) const {
  const std::int64_t block = tile / right_.count();
  return left_.begin(block) * right_.columns +
         left_.size(block) * right_.begin(tile % right_.count());
}

std::int64_t OuterGemm::tile_elements(std::int64_t tile) const {
  return left_.size(tile / right_.count()) * right_.size(tile % right_.count());
}

void OuterGemm::make_primitive(const Key& key) {
  auto& made = primitives_[key];
  if (made != nullptr) return;
  const auto type = onednn_type(dtype_);
  const memory::desc a({key.left, key.rows}, type, memory::dims{1, key.left});
  const dnnl::matmul::desc product(a, row_major(key.rows, key.right, type),
                                   row_major(key.left, key.right, memory::data_type::f32));
  const dnnl::matmul::primitive_desc described(product, product_attributes(key.accumulate),
                                               cpu_engine());
  scratch_bytes_ = std::max(scratch_bytes_, cache_lines(described.scratchpad_desc().get_size()));
  made = std::make_unique<Primitive>(Primitive{dnnl::matmul(described), described.src_desc(),
                                               described.weights_desc(), described.dst_desc(),
                                               described.scratchpad_desc()});
}

void OuterGemm::prepare(int rows) {
  const OneThread one_thread;
  for (const auto left : {left_.size(0), left_.size(left_.count() - 1)}) {
    for (const auto right : {right_.size(0), right_.size(right_.count() - 1)}) {
      for (const bool accumulate : {false, true}) make_primitive({left, right, rows, accumulate});
    }
  }
}

void OuterGemm::run(int rows, const RowsView& a, const RowsView& b, std::int64_t tile,
                    bool accumulate, float* c, const PackedGemm::Scratch& scratch) const {
  const std::int64_t left = tile / right_.count();
  const std::int64_t right = tile % right_.count();
  const auto& primitive = *primitives_.at({left_.size(left), right_.size(right), rows, accumulate});
  const auto from_a = at(primitive.a, a.at(left));
  const auto from_b = at(primitive.b, b.at(right));
  const auto to = at(primitive.c, c);
  const auto pad = at(primitive.scratch, scratch.memory.data());
  const std::array<dnnl_exec_arg_t, 4> arguments = {{{DNNL_ARG_SRC, from_a.get()},
                                                     {DNNL_ARG_WEIGHTS, from_b.get()},
                                                     {DNNL_ARG_DST, to.get()},
                                                     {DNNL_ARG_SCRATCHPAD, pad.get()}}};
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(primitive.matmul.get(), scratch.stream.get(),
                             static_cast<int>(arguments.size()), arguments.data()),
      "oneDNN could not run the product of a weight gradient");
}

}  // namespace hotexpert
