#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace weir::fuzz {

/// Unless `holds`, prints the reason and crashes.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

inline bool lies_inside(std::string_view view, std::span<const std::byte> input) {
  if (view.empty()) return true;
  const auto* begin = reinterpret_cast<const char*>(input.data());
  return view.data() >= begin && view.data() + view.size() <= begin + input.size();
}

inline bool lies_inside(std::span<const std::byte> view, std::span<const std::byte> input) {
  return lies_inside(std::string_view(reinterpret_cast<const char*>(view.data()), view.size()), input);
}

inline std::span<const std::byte> as_input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

}  // namespace weir::fuzz
