#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proto {

/// Longest input in bytes. A longer one is an error: it is not truncated.
inline constexpr std::size_t kMaxUrlBytes = 65536;
/// Longest host in bytes before percent-encoding (RFC 1035: 253 and the trailing dot).
inline constexpr std::size_t kMaxHostBytes = 255;
/// Longest canonical host, with every byte percent-encoded, as most are in a raw UTF-8 name.
inline constexpr std::size_t kMaxCanonicalHostBytes = 3 * kMaxHostBytes;

enum class UrlError : std::uint8_t { none, too_long, empty_host, host_too_long, bad_port, bad_address };
/// snake_case name of the value.
std::string_view to_string(UrlError error) noexcept;

/// How to treat a port that is no number from 1 to 65535. strict: an error, for list entries. lenient: no
/// port, for requests, because several servers ignore such a port.
enum class PortPolicy : std::uint8_t { strict, lenient };

/// The canonical form of a URL, after Google's Safe Browsing canonicalisation (details and differences:
/// dataplane/proto/url/README.md). Holds about 260 KiB: make one per worker and reuse it. The views are valid
/// until the next assign_* call or the end of the object; after an error all are empty. Canonicalising a
/// result again changes nothing. Any bytes are allowed; time is O(input).
class CanonicalUrl {
 public:
  /// Reads a URL with or without scheme: `http://host/path?query`, `//host/path`, `host:port/path`, `host`.
  UrlError assign_url(std::string_view text, PortPolicy policy) noexcept;

  /// Reads the parts of a request: `authority` (a Host value, an SNI, `host:port` or an address) and `target`
  /// in origin form (`/path?query`, empty for a name alone). User information and anything after a path
  /// delimiter in the authority are dropped, and an invalid port is ignored.
  UrlError assign_request(std::string_view authority, std::string_view target) noexcept;

  /// As assign_request, but `name` is a host whatever delimiters it has: they are encoded.
  UrlError assign_name(std::string_view name, std::string_view target) noexcept;

  /// Of assign_request: both parts were in canonical form (or the target was empty), so every server reads
  /// them in the same way.
  [[nodiscard]] bool was_plain() const noexcept { return was_plain_; }

  /// In lower case, percent-encoded; an IPv6 address in brackets.
  [[nodiscard]] std::string_view host() const noexcept { return {text_.data(), host_bytes_}; }
  /// At least "/".
  [[nodiscard]] std::string_view path() const noexcept { return {text_.data() + host_bytes_, path_bytes_}; }
  /// Without its `?`; empty when there is none (an empty query counts as none).
  [[nodiscard]] std::string_view query() const noexcept {
    return has_query() ? std::string_view{text_.data() + host_bytes_ + path_bytes_ + 1, query_bytes_}
                       : std::string_view{};
  }
  [[nodiscard]] bool has_query() const noexcept { return query_bytes_ != 0; }
  /// Host, path and, when there is one, `?query`, in one piece.
  [[nodiscard]] std::string_view text() const noexcept {
    return {text_.data(), host_bytes_ + path_bytes_ + (has_query() ? query_bytes_ + 1 : 0)};
  }
  /// The port as written, even if it is the default of the scheme. None when no (valid) port was written.
  [[nodiscard]] std::optional<std::uint16_t> written_port() const noexcept { return written_port_; }
  /// The written port unless it is the default of the scheme; without a scheme, of http.
  [[nodiscard]] std::optional<std::uint16_t> port() const noexcept { return port_; }
  [[nodiscard]] bool host_is_address() const noexcept { return host_is_address_; }
  /// Of assign_url: nothing, or a single slash, was written after the host. `host/#a`, `host/?` and
  /// `host/a/..` have the same canonical form as `host`, but their author may have meant a page.
  [[nodiscard]] bool names_host_alone() const noexcept { return names_host_alone_; }

 private:
  void clear() noexcept;
  /// Returns whether the target was plain.
  bool take_request_target(std::string_view target) noexcept;
  std::string_view copy_to_scratch(std::string_view text) noexcept;
  UrlError take_authority(std::string_view authority, std::uint16_t default_port, PortPolicy policy) noexcept;
  UrlError take_port(std::string_view port, std::uint16_t default_port, PortPolicy policy) noexcept;
  /// Takes a name that is already canonical; returns false and does nothing for any other.
  bool take_plain_name(std::string_view name) noexcept;
  UrlError take_name(std::string_view name) noexcept;
  bool take_ipv6(std::string_view address) noexcept;
  /// As take_plain_name, for a target.
  bool take_plain_target(std::string_view target) noexcept;
  void take_target(std::string_view target) noexcept;
  void take_path(std::string_view path) noexcept;
  void take_query(std::string_view query) noexcept;
  /// Decodes `part`, a view of scratch_, in place.
  std::string_view decode_in_place(std::string_view part) noexcept;

  std::size_t host_bytes_ = 0;
  std::size_t path_bytes_ = 0;
  std::size_t query_bytes_ = 0;
  std::optional<std::uint16_t> written_port_;
  std::optional<std::uint16_t> port_;
  bool host_is_address_ = false;
  bool names_host_alone_ = false;
  bool was_plain_ = false;
  std::array<char, kMaxUrlBytes> scratch_;
  std::array<char, kMaxCanonicalHostBytes + 3 * kMaxUrlBytes + 2> text_;
};

}  // namespace weir::proto
