#include "kernels/aligned_buffer.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace hotexpert {
namespace {

constexpr std::int64_t kCacheLine = 64;
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(std::int64_t bytes) : bytes_(bytes) {
  const std::int64_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  const std::int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (rounded == 0) return;
  void* memory =
      std::aligned_alloc(static_cast<std::size_t>(alignment), static_cast<std::size_t>(rounded));
  if (memory == nullptr) throw std::bad_alloc();
  data_.reset(static_cast<std::byte*>(memory));
  // Only a hint: without huge pages everything works, slower.
  if (alignment == kHugePage) madvise(memory, static_cast<std::size_t>(rounded), MADV_HUGEPAGE);
}

void AlignedBuffer::reserve(std::int64_t bytes) {
  if (bytes <= bytes_) return;
  data_.reset();  // before the new block exists: buffers can be half of the memory
  *this = AlignedBuffer(bytes);
}

AlignedBuffer AlignedBuffer::copy() const {
  AlignedBuffer other(bytes_);
  if (bytes_ > 0) std::memcpy(other.data(), data(), static_cast<std::size_t>(bytes_));
  return other;
}

void AlignedBuffer::poison() {
  if (bytes_ > 0) std::memset(data_.get(), 0xff, static_cast<std::size_t>(bytes_));
}

void AlignedBuffer::Free::operator()(std::byte* memory) const { std::free(memory); }

}  // namespace hotexpert
