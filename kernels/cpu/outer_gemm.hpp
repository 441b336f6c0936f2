#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "kernels/column_blocks.hpp"
#include "kernels/cpu/packed_gemm.hpp"

namespace hotexpert {

/// C = A^T · B by oneDNN, the sum over rows of outer products: a weight gradient, whose inner
/// dimension is an expert's rows. A and B are stored in column blocks; a tile of C is one block of
/// A by one block of B, fp32, dense. Sums of bf16 products are kept in fp32 from the first row to
/// the last. Runs on the calling thread.
class OuterGemm {
 public:
  /// @param left blocks of A's columns   @param right blocks of B's columns
  OuterGemm(const ColumnBlocks& left, const ColumnBlocks& right, DataType dtype)
      : left_(left), right_(right), dtype_(dtype) {}

  [[nodiscard]] std::int64_t tiles() const { return left_.count() * right_.count(); }
  /// Where tile `tile` begins in C, in elements: tiles follow each other, block of A by block of A.
  [[nodiscard]] std::int64_t tile_begin(std::int64_t tile) const;
  [[nodiscard]] std::int64_t tile_elements(std::int64_t tile) const;
  [[nodiscard]] const ColumnBlocks& left() const { return left_; }
  [[nodiscard]] const ColumnBlocks& right() const { return right_; }

  /// Makes the primitives for `rows` rows at a time. Not thread-safe.
  void prepare(int rows);
  [[nodiscard]] std::int64_t scratch_bytes() const { return scratch_bytes_; }

  /// c (+)= a^T · b of `rows` rows, for one tile.   @param rows was prepared   @param a, b from
  /// their first row on
  void run(int rows, const RowsView& a, const RowsView& b, std::int64_t tile, bool accumulate,
           float* c, const PackedGemm::Scratch& scratch) const;

 private:
  struct Primitive {
    dnnl::matmul matmul;
    dnnl::memory::desc a;
    dnnl::memory::desc b;
    dnnl::memory::desc c;
    dnnl::memory::desc scratch;
  };
  struct Key {
    std::int64_t left = 0;
    std::int64_t right = 0;
    int rows = 0;
    bool accumulate = false;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  void make_primitive(const Key& key);

  ColumnBlocks left_;
  ColumnBlocks right_;
  DataType dtype_;
  std::map<Key, std::unique_ptr<Primitive>> primitives_;
  std::int64_t scratch_bytes_ = 0;
};

}  // namespace hotexpert
