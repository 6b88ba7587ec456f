#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>

#include <sys/mman.h>

namespace weir::bench {

/// Zeroed memory, in pages of 2 MiB if the system has them, like the dataplane's snapshots.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  explicit HugeBuffer(std::size_t bytes) : mapped_bytes_((bytes + kPage - 1) / kPage * kPage), bytes_(bytes) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    start_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, kFlags | MAP_HUGETLB, -1, 0);
    if (start_ == MAP_FAILED) {
      start_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
      if (start_ == MAP_FAILED) throw std::bad_alloc();
      madvise(start_, mapped_bytes_, MADV_HUGEPAGE);
    }
    std::memset(start_, 0, mapped_bytes_);
  }
  /// A copy of `bytes`.
  explicit HugeBuffer(std::span<const std::byte> bytes) : HugeBuffer(bytes.size()) {
    if (!bytes.empty()) std::memcpy(start_, bytes.data(), bytes.size());
  }
  HugeBuffer(HugeBuffer&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)),
        mapped_bytes_(other.mapped_bytes_),
        bytes_(other.bytes_) {}
  HugeBuffer& operator=(HugeBuffer&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~HugeBuffer() {
    if (start_ != nullptr) munmap(start_, mapped_bytes_);
  }

  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {static_cast<std::byte*>(start_), bytes_};
  }

 private:
  static constexpr std::size_t kPage = std::size_t{2} << 20;
  void* start_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace weir::bench
