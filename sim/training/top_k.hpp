#pragma once

#include <cstdint>

namespace hotexpert::training {

/// Writes the indices of the k largest of `count` values, largest first; equal values in order of
/// index. Values must be finite.   @param k <= count
template <class Scalar>
void top_k_indices(const Scalar* values, int count, int k, std::int32_t* indices) {
  int found = 0;
  for (int i = 0; i < count; ++i) {
    if (found == k && !(values[i] > values[indices[k - 1]])) continue;
    int place = found < k ? found++ : k - 1;
    for (; place > 0 && values[i] > values[indices[place - 1]]; --place) {
      indices[place] = indices[place - 1];
    }
    indices[place] = i;
  }
}

}  // namespace hotexpert::training
