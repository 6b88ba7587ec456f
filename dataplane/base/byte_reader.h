#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::base {

/// Bounds-checked reader of big-endian wire data.
///
/// The first read past the end latches a failure: it and all later reads return zero or an empty span. So a
/// parser can read a whole structure and check ok() once. Never throws, allocates or reads out of bounds.
class ByteReader {
 private:
  // The width is known at compile time, so that a read is one check and one load.
  template <std::size_t Width>
  constexpr std::uint32_t read_integer() noexcept {
    if (Width > remaining()) {
      ok_ = false;
      return 0;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < Width; ++i) {
      value = (value << 8) | std::to_integer<std::uint32_t>(bytes_[position_ + i]);
    }
    position_ += Width;
    return value;
  }

 public:
  explicit constexpr ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t position() const noexcept { return position_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept {
    return ok_ ? bytes_.size() - position_ : 0;
  }

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(read_integer<1>()); }
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(read_integer<2>()); }
  constexpr std::uint32_t u24() noexcept { return read_integer<3>(); }
  constexpr std::uint32_t u32() noexcept { return read_integer<4>(); }

  /// The next `count` bytes; an empty span and a latched failure if there are fewer.
  constexpr std::span<const std::byte> bytes(std::size_t count) noexcept {
    if (count > remaining()) {
      ok_ = false;
      return {};
    }
    const auto result = bytes_.subspan(position_, count);
    position_ += count;
    return result;
  }

  constexpr void skip(std::size_t count) noexcept { static_cast<void>(bytes(count)); }

  /// The bytes not yet read; empty after a failure.
  [[nodiscard]] constexpr std::span<const std::byte> rest() const noexcept {
    return ok_ ? bytes_.subspan(position_) : std::span<const std::byte>{};
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace weir::base
