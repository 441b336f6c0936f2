#pragma once

#include <cstddef>

// For files compiled once for each instruction set (HOTEXPERT_LOOPS is its name): what each of them
// needs, local to it.
#define HOTEXPERT_CONCAT_(a, b) a##b
#define HOTEXPERT_CONCAT(a, b) HOTEXPERT_CONCAT_(a, b)

namespace hotexpert {
namespace {

#if defined(__AVX2__)
constexpr std::size_t kRegister = 32;  // bytes
#else
constexpr std::size_t kRegister = 16;
#endif

}  // namespace
}  // namespace hotexpert
