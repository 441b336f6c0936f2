#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/cpu/tile_engine.hpp"

namespace hotexpert {

/// Tiles by oneDNN with packed weights, fp32 and bf16; the activation is applied to a tile while it
/// is in the cache. bf16 keeps sums and the values between the two products' rounding in fp32.
/// @param max_rows most rows of a tile
std::unique_ptr<TileEngine> make_onednn_engine(const LayerShape& shape, int num_experts,
                                               int max_rows, int threads);

/// How the engines of this folder cut a layer's columns: those of x, of h and of y.
ColumnBlocks onednn_input_blocks(const LayerShape& shape);
ColumnBlocks onednn_hidden_blocks(const LayerShape& shape);
ColumnBlocks onednn_output_blocks(const LayerShape& shape);

/// nullopt when oneDNN has a fast product of the layer's data type on this processor.
std::optional<std::string> onednn_unsupported(const LayerShape& shape);

/// Name of the code that oneDNN chooses for the layer's products on this processor.
std::string onednn_implementation(const LayerShape& shape);

}  // namespace hotexpert
