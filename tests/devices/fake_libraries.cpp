#include "tests/devices/fake_libraries.hpp"

#include <cuda.h>

#include <array>

#include "tests/devices/fake_cuda.hpp"

namespace hotexpert::test {
namespace {

CUresult current_context(CUcontext* context) {
  static int place = 0;
  *context = reinterpret_cast<CUcontext>(&place);
  return CUDA_SUCCESS;
}

CUresult context_device(CUdevice* device) {
  *device = 0;
  return CUDA_SUCCESS;
}

void* driver_function(std::string_view symbol) {
  if (symbol == "cuCtxGetCurrent") return pointer(current_context);
  if (symbol == "cuCtxGetDevice") return pointer(context_device);
  return nullptr;
}

struct Library {
  std::string_view name;
  void* (*function)(std::string_view symbol);
};
std::array kLibraries = {Library{"libcublas.so.13", cublas_function},
                         Library{"libcupti.so.13", cupti_function},
                         Library{"libcuda.so.1", driver_function}};

/// The library behind a handle; null: a real one.
Library* library_of(void* handle) {
  for (auto& library : kLibraries)
    if (handle == &library) return &library;
  return nullptr;
}

}  // namespace
}  // namespace hotexpert::test

extern "C" {

void* __real_dlopen(const char* name, int flags);
void* __real_dlsym(void* handle, const char* symbol);
int __real_dlclose(void* handle);

void* __wrap_dlopen(const char* name, int flags) {
  using hotexpert::test::fake_cuda;
  for (auto& library : hotexpert::test::kLibraries) {
    if (name == nullptr || !std::string_view(name).ends_with(library.name)) continue;
    return fake_cuda().missing_library == library.name ? nullptr : &library;
  }
  return __real_dlopen(name, flags);
}

void* __wrap_dlsym(void* handle, const char* symbol) {
  const auto* library = hotexpert::test::library_of(handle);
  return library == nullptr ? __real_dlsym(handle, symbol) : library->function(symbol);
}

int __wrap_dlclose(void* handle) {
  return hotexpert::test::library_of(handle) == nullptr ? __real_dlclose(handle) : 0;
}

}  // extern "C"
