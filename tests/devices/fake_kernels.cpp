// Host stand-ins for the launchers of kernels/cuda/*.cu but the products: they run the functions of
// kernels/cuda/plan that the device runs, thread after thread.

#include <algorithm>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/backward_elements.hpp"
#include "kernels/cuda/clock_stamp.hpp"
#include "kernels/cuda/normal_fill.hpp"
#include "kernels/cuda/permute.hpp"
#include "kernels/cuda/plan/backward_elements.hpp"
#include "kernels/cuda/route.hpp"
#include "kernels/cuda/router_top_k.hpp"
#include "tests/devices/fake_launch.hpp"
#include "tests/kernels/cuda/host_block.hpp"

namespace hotexpert {
namespace {

using test::HostBlock;
using test::launch;

int chunks_of(const Assignments& in) {
  return static_cast<int>((in.count + in.chunk - 1) / in.chunk);
}

template <class Work>
void with_format(DataType dtype, const Work& work) {
  if (dtype == DataType::kFp32) {
    work(Fp32Piece{});
  } else {
    work(Bf16Piece{});
  }
}

void store(float value, DataType dtype, std::int64_t index, void* out) {
  if (dtype == DataType::kFp32) {
    static_cast<float*>(out)[index] = value;
  } else {
    static_cast<Bf16*>(out)[index] = to_bf16(value);
  }
}

constexpr double kCyclesPerNs = 1.7;

}  // namespace

void launch_router_top_k(const RouterTopK& router, std::int64_t tokens, DeviceStream stream) {
  if (tokens == 0) return;
  launch("router_top_k", stream, [=] {
    std::vector<std::uint32_t> order(static_cast<std::size_t>(router.num_experts));
    for (std::int64_t token = 0; token < tokens; ++token)
      route_token(HostBlock{}, router, token, order.data());
  });
}

void launch_count(const Assignments& in, std::int32_t* counts, DeviceStream stream) {
  if (in.count == 0) return;
  launch("count", stream, [=] {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(in.chunk));
    for (int chunk = 0; chunk < chunks_of(in); ++chunk)
      count_chunk(HostBlock{}, in, chunk, ids.data(), counts);
  });
}

void launch_layout(int num_experts, int chunks, const LayoutRules& rules, std::int32_t* counts,
                   const ExpertLayout& out, unsigned long long* counters, DeviceStream stream) {
  launch("layout", stream, [=] {
    std::vector<std::int32_t> scratch(2 * static_cast<std::size_t>(num_experts));
    if (counters != nullptr) counters[0] = counters[1] = 0;
    layout_experts(HostBlock{}, num_experts, chunks, rules, counts, out, scratch.data());
  });
}

void launch_scatter(const Assignments& in, const std::int32_t* before, const ExpertLayout& layout,
                    std::int32_t* row_of_slot, DeviceStream stream) {
  if (in.count == 0) return;
  launch("scatter", stream, [=] {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(in.chunk));
    for (int chunk = 0; chunk < chunks_of(in); ++chunk)
      scatter_chunk(HostBlock{}, in, chunk, before, layout, ids.data(), row_of_slot);
  });
}

void launch_permute(const void* in, const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                    std::int64_t row_bytes, void* out, DeviceStream stream) {
  if (tokens == 0) return;
  launch("permute", stream, [=] {
    const auto pieces = row_bytes / std::int64_t{sizeof(Piece)};
    for (std::int64_t token = 0; token < tokens; ++token)
      for (std::int64_t piece = 0; piece < pieces; ++piece)
        permute_piece(static_cast<const Piece*>(in), row_of_slot, slots, pieces, token, piece,
                      static_cast<Piece*>(out));
  });
}

void launch_zero_padding(const std::int32_t* first_row, const std::int32_t* kept,
                         const std::int32_t* computed, int num_experts, std::int64_t row_bytes,
                         void* out, DeviceStream stream) {
  if (num_experts == 0) return;
  launch("zero_padding", stream, [=] {
    auto* bytes = static_cast<std::byte*>(out);
    for (int e = 0; e < num_experts; ++e)
      std::fill(bytes + (first_row[e] + kept[e]) * row_bytes,
                bytes + (first_row[e] + computed[e]) * row_bytes, std::byte{0});
  });
}

void launch_combine(const void* in, DataType dtype, const std::int32_t* row_of_slot,
                    const float* weight_of_slot, std::int64_t tokens, int slots,
                    std::int64_t d_model, float* out, DeviceStream stream) {
  if (tokens == 0) return;
  launch("combine", stream, [=] {
    with_format(dtype, [&](auto format) {
      using Format = decltype(format);
      const std::int64_t pieces = d_model / Format::kValues;
      for (std::int64_t token = 0; token < tokens; ++token)
        for (std::int64_t piece = 0; piece < pieces; ++piece)
          combine_piece<Format>(static_cast<const Piece*>(in), row_of_slot, weight_of_slot, slots,
                                pieces, token, piece, out);
    });
  });
}

void launch_normal_matrix(const NormalSequence& sequence, std::uint32_t item, std::int64_t rows,
                          std::int64_t columns, bool transposed, DataType dtype, void* out,
                          DeviceStream stream) {
  if (rows * columns == 0) return;
  launch("normal_matrix", stream, [=] {
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      const std::int64_t to = transposed ? i % columns * rows + i / columns : i;
      store(normal_element(sequence, item, i), dtype, to, out);
    }
  });
}

void launch_normal_rows(const NormalSequence& sequence, std::int64_t rows, std::int64_t columns,
                        DataType dtype, void* out, DeviceStream stream) {
  if (rows * columns == 0) return;
  launch("normal_rows", stream, [=] {
    for (std::int64_t i = 0; i < rows * columns; ++i)
      store(normal_element(sequence, static_cast<std::uint32_t>(i / columns), i % columns), dtype,
            i, out);
  });
}

void launch_clock_stamp(ClockStamp* stamps, int multiprocessors, DeviceStream stream) {
  launch("clock_stamp", stream, [=] {
    const std::uint64_t now = test::fake_cuda().now_ns;
    for (int sm = 0; sm < multiprocessors; ++sm)
      stamps[sm] = {static_cast<std::uint64_t>(kCyclesPerNs * static_cast<double>(now)), now};
  });
}

void launch_activation(const void* in, DataType dtype, Epilogue epilogue, std::int64_t rows,
                       std::int64_t d_ff, void* out, DeviceStream stream) {
  if (rows * d_ff == 0) return;
  launch("activation", stream, [=] {
    const auto value = [&](std::int64_t i) {
      return dtype == DataType::kFp32 ? static_cast<const float*>(in)[i]
                                      : to_float(static_cast<const Bf16*>(in)[i]);
    };
    for (std::int64_t i = 0; i < rows * d_ff; ++i) {
      const std::int64_t gate = i + i / d_ff * d_ff;
      store(epilogue == Epilogue::kSwiglu ? swiglu(value(gate), value(gate + d_ff))
                                          : activated(epilogue, value(i)),
            dtype, i, out);
    }
  });
}

void launch_activation_backward(const void* stored, const void* d_hidden, DataType dtype,
                                Epilogue epilogue, std::int64_t rows, std::int64_t d_ff,
                                void* d_stored, DeviceStream stream) {
  if (rows * d_ff == 0) return;
  launch("activation_backward", stream, [=] {
    const auto value = [&](const void* from, std::int64_t i) {
      return dtype == DataType::kFp32 ? static_cast<const float*>(from)[i]
                                      : to_float(static_cast<const Bf16*>(from)[i]);
    };
    for (std::int64_t i = 0; i < rows * d_ff; ++i) {
      const float d = value(d_hidden, i);
      if (epilogue != Epilogue::kSwiglu) {
        store(activated_gradient(epilogue, value(stored, i), d), dtype, i, d_stored);
        continue;
      }
      const std::int64_t gate = i + i / d_ff * d_ff;
      const auto gradient = swiglu_gradient(value(stored, gate), value(stored, gate + d_ff), d);
      store(gradient.gate, dtype, gate, d_stored);
      store(gradient.up, dtype, gate + d_ff, d_stored);
    }
  });
}

void launch_scale_rows(const void* d_out, DataType dtype, const std::int32_t* row_of_slot,
                       const float* weight_of_slot, std::int64_t tokens, int slots,
                       std::int64_t d_model, void* d_y, DeviceStream stream) {
  if (tokens == 0) return;
  launch("scale_rows", stream, [=] {
    with_format(dtype, [&](auto format) {
      using Format = decltype(format);
      const std::int64_t pieces = d_model / Format::kValues;
      for (std::int64_t token = 0; token < tokens; ++token)
        for (std::int64_t piece = 0; piece < pieces; ++piece)
          scale_piece<Format>(static_cast<const Piece*>(d_out), row_of_slot, weight_of_slot, slots,
                              pieces, token, piece, static_cast<Piece*>(d_y));
    });
  });
}

void launch_gate_gradients(const void* y, const void* d_out, DataType dtype,
                           const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                           std::int64_t d_model, float* d_weight, DeviceStream stream) {
  if (tokens * slots == 0) return;
  launch("gate_gradients", stream, [=] {
    with_format(dtype, [&](auto format) {
      using Format = decltype(format);
      const std::int64_t pieces = d_model / Format::kValues;
      for (std::int64_t cell = 0; cell < tokens * slots; ++cell) {
        const std::int64_t row = row_of_slot[cell];
        d_weight[cell] =
            row < 0 ? 0.0F
                    : dot_pieces<Format>(static_cast<const Piece*>(y) + row * pieces,
                                         static_cast<const Piece*>(d_out) + cell / slots * pieces,
                                         pieces, 0, 1);
      }
    });
  });
}

}  // namespace hotexpert
