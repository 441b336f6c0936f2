#pragma once

#include <omp.h>

#include <cstddef>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "sim/core/layer_shape.hpp"

// What every user of oneDNN here needs. For .cpp files of this folder.
namespace hotexpert::onednn {

inline const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

inline dnnl::memory::data_type onednn_type(DataType dtype) {
  return dtype == DataType::kFp32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

inline dnnl::memory::desc row_major(std::int64_t rows, std::int64_t columns,
                                    dnnl::memory::data_type type) {
  return {{rows, columns}, type, dnnl::memory::format_tag::ab};
}

inline dnnl::memory at(const dnnl::memory::desc& desc, const void* data) {
  return {desc, cpu_engine(), const_cast<void*>(data)};
}

/// Attributes of every product: the library's own scratchpad belongs to the thread that made the
/// primitive, ours to who runs it.
/// @param accumulate adds to the result instead of replacing it
inline dnnl::primitive_attr product_attributes(bool accumulate) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops add;
    add.append_sum(1.0F);
    attributes.set_post_ops(add);
  }
  return attributes;
}

/// Primitives remember how many threads they may use: ours use one, whoever makes them.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

inline std::int64_t cache_lines(std::size_t bytes) {
  return (static_cast<std::int64_t>(bytes) + 63) / 64 * 64;
}

}  // namespace hotexpert::onednn
