#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "kernels/aligned_buffer.hpp"
#include "kernels/column_blocks.hpp"

namespace hotexpert {

/// C = A · W by oneDNN, with W packed once for every number of rows, cut into blocks of its inner
/// and its outer dimension. Inner blocks keep the operands of one primitive in the second-level
/// cache (bf16 on AMX: 950 GFLOP/s a core at 512 against 580 at 4096) and are added up in fp32, in
/// order, in C. Runs on the calling thread.
class PackedGemm {
 public:
  /// @param inner of W's rows: how A is stored   @param outer of W's columns
  /// @throws dnnl::error where this processor has no product of this type
  PackedGemm(const ColumnBlocks& inner, const ColumnBlocks& outer, DataType dtype, int max_rows);

  /// One packed W.
  struct Weights {
    AlignedBuffer memory;
    std::vector<dnnl::memory> blocks;  ///< [inner block, outer block]
  };
  [[nodiscard]] Weights pack(const std::byte* row_major, int threads) const;
  /// The same of a matrix that is stored as its transpose: [outer.columns, inner.columns],
  /// row-major.
  [[nodiscard]] Weights pack_transposed(const std::byte* transpose, int threads) const;

  /// What a thread needs of its own: scratch_bytes() of memory.
  struct Scratch {
    AlignedBuffer memory;
    dnnl::stream stream;
  };
  [[nodiscard]] static Scratch make_scratch();
  [[nodiscard]] std::int64_t scratch_bytes() const { return scratch_bytes_; }

  /// Makes the primitives for `rows` rows, 0.1 to 2 ms each. Not thread-safe.
  void prepare(int rows);

  /// c [rows, outer.size(block)] = a · W[:, block], fp32.   @param rows was prepared
  void run(int rows, const RowsView& a, const Weights& weights, std::int64_t block, float* c,
           const Scratch& scratch) const;

  /// oneDNN's name of the code it chose, e.g. "brg:avx512_core_amx_bf16".
  [[nodiscard]] std::string implementation() const;

 private:
  struct Primitive {
    dnnl::matmul matmul;
    dnnl::memory::desc a;
    dnnl::memory::desc c;
    dnnl::memory::desc scratch;
  };
  /// The primitives of one block shape: widest or last block of either dimension.
  struct BlockShape {
    std::int64_t inner = 0;
    std::int64_t outer = 0;
    dnnl::memory::desc packed;
    std::vector<std::unique_ptr<Primitive>> first;  ///< [rows] c = a · w
    std::vector<std::unique_ptr<Primitive>> next;   ///< [rows] c += a · w
  };

  /// W[k, n] is element k * row_stride + n * column_stride of `corner`.
  [[nodiscard]] Weights pack_strided(const std::byte* corner, std::int64_t row_stride,
                                     std::int64_t column_stride, int threads) const;
  [[nodiscard]] const BlockShape& shape(std::int64_t inner_block, std::int64_t outer_block) const;
  [[nodiscard]] std::unique_ptr<Primitive> make_primitive(const BlockShape& shape, int rows,
                                                          bool accumulate);

  ColumnBlocks inner_;
  ColumnBlocks outer_;
  DataType dtype_;
  std::map<std::pair<std::int64_t, std::int64_t>, BlockShape> shapes_;  // by (inner, outer) width
  std::int64_t scratch_bytes_ = 0;
};

}  // namespace hotexpert
