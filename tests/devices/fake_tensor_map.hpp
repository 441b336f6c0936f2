#pragma once

#include <cuda.h>

#include <cstring>

namespace hotexpert::test {

// A tensor map of the fake device holds where its matrix lies.

inline void write_matrix_of(CUtensorMap& map, void* matrix) {
  static_assert(sizeof(CUtensorMap) >= sizeof(void*));
  std::memcpy(&map, &matrix, sizeof(matrix));
}

inline void* matrix_of(const CUtensorMap& map) {
  void* matrix = nullptr;
  std::memcpy(&matrix, &map, sizeof(matrix));
  return matrix;
}

}  // namespace hotexpert::test
