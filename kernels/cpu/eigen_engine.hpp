#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/cpu/tile_engine.hpp"

namespace hotexpert {

/// Tiles by Eigen, fp32, weights as they are: what plain library code reaches beside packed oneDNN.
std::unique_ptr<TileEngine> make_eigen_engine(const LayerShape& shape, int num_experts,
                                              int max_rows, int threads);

std::optional<std::string> eigen_unsupported(const LayerShape& shape);

}  // namespace hotexpert
