#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::base {

/// Writes big-endian fields one after the other. Does not check bounds: the caller ensures that they fit.
class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::byte> out) noexcept : out_(out) {}

  void u8(std::uint32_t value) noexcept { integer(value, 1); }
  void u16(std::uint32_t value) noexcept { integer(value, 2); }
  void u32(std::uint32_t value) noexcept { integer(value, 4); }
  void bytes(std::span<const std::byte> from) noexcept {
    std::copy(from.begin(), from.end(), out_.begin());
    out_ = out_.subspan(from.size());
  }
  [[nodiscard]] std::span<std::byte> rest() const noexcept { return out_; }

 private:
  void integer(std::uint32_t value, std::size_t width) noexcept {
    for (std::size_t i = 0; i < width; ++i) out_[i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
    out_ = out_.subspan(width);
  }

  std::span<std::byte> out_;
};

}  // namespace weir::base
