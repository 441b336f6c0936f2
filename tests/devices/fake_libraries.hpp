#pragma once

#include <string_view>

namespace hotexpert::test {

// Libraries that the product loads at run time. dlopen(), dlsym() and dlclose() of the tests'
// programs are wrapped at link time (--wrap), so the product's own loading code runs.

/// The fake's function of that name; null: the library has none.
void* cublas_function(std::string_view symbol);
void* cupti_function(std::string_view symbol);

template <class Function>
void* pointer(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace hotexpert::test
