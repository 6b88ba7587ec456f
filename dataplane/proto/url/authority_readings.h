#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace weir::proto {

/// One way to read an authority: as an authority again, or as a name that is not cut anywhere
/// (CanonicalUrl::assign_request, CanonicalUrl::assign_name).
struct AuthorityReading {
  std::string_view text;
  bool is_name = false;
};

/// The further ways in which servers read an authority (a Host value, an SNI, an `:authority`), beside the
/// one of CanonicalUrl::assign_request, which takes what follows the last `@` up to the first colon (RFC
/// 3986, 3.2). An ordinary authority (a name or an address, with or without a port) has none. Others are read
///
/// - without bytes up to 0x20 and from 0x7f around it, and up to the first byte up to 0x20 (NUL, a line end);
/// - up to the first colon, even if an `@` follows;
/// - without brackets;
/// - uncut, as one name.
///
/// Views point into the authority. O(bytes).
class AuthorityReadings {
 public:
  explicit AuthorityReadings(std::string_view authority) noexcept;
  [[nodiscard]] std::span<const AuthorityReading> all() const noexcept {
    return std::span(readings_).first(count_);
  }

 private:
  static constexpr std::size_t kPerSpelling = 4;
  void add(std::string_view text, bool is_name = false) noexcept;
  void add_spelling(std::string_view authority) noexcept;

  std::array<AuthorityReading, 2 * kPerSpelling> readings_{};
  std::size_t count_ = 0;
};

}  // namespace weir::proto
