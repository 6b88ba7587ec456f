#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proto {

/// Longest input in bytes; a longer one is an error, not a truncation.
inline constexpr std::size_t kMaxUrlBytes = 65536;
/// Longest host in bytes before percent-encoding (RFC 1035 allows 253 and the root's dot).
inline constexpr std::size_t kMaxHostBytes = 255;
/// Longest canonical host: every byte percent-encoded, as a name in raw UTF-8 nearly is.
inline constexpr std::size_t kMaxCanonicalHostBytes = 3 * kMaxHostBytes;

enum class UrlError : std::uint8_t { none, too_long, empty_host, host_too_long, bad_port, bad_address };
/// snake_case name of the value.
std::string_view to_string(UrlError error) noexcept;

/// What to make of a port that is no number in 1..65535: an error for a list entry; on the wire several
/// servers ignore it, so a request with one is matched as if it had none.
enum class PortPolicy : std::uint8_t { strict, lenient };

/// The canonical form of a URL, after Google's Safe Browsing canonicalisation (what it does and differences:
/// dataplane/proto/README.md). Holds its own storage of about 260 KiB: make one for each worker and use it
/// again. The views stay valid until the next assign_* call or the object's end; after an error all are
/// empty. Canonicalising a result again changes nothing. Any bytes are allowed as input; time is O(input).
class CanonicalUrl {
 public:
  /// Reads a URL with or without scheme: `http://host/path?query`, `//host/path`, `host:port/path`, `host`.
  UrlError assign_url(std::string_view text, PortPolicy policy) noexcept;

  /// Reads what a request carries: `authority` (a Host value, SNI, `host:port` or address; user info and
  /// whatever follows a path delimiter are dropped, a junk port is ignored) and the origin-form `target`
  /// (`/path?query`; empty for a name alone).
  UrlError assign_request(std::string_view authority, std::string_view target) noexcept;

  /// Lower case, percent-encoded; an IPv6 address in brackets.
  [[nodiscard]] std::string_view host() const noexcept { return {text_.data(), host_bytes_}; }
  /// At least "/".
  [[nodiscard]] std::string_view path() const noexcept { return {text_.data() + host_bytes_, path_bytes_}; }
  /// Without its `?`; empty where there is none (an empty query is no query).
  [[nodiscard]] std::string_view query() const noexcept {
    return has_query() ? std::string_view{text_.data() + host_bytes_ + path_bytes_ + 1, query_bytes_}
                       : std::string_view{};
  }
  [[nodiscard]] bool has_query() const noexcept { return query_bytes_ != 0; }
  /// host, path, then `?query` where there is one, contiguous.
  [[nodiscard]] std::string_view text() const noexcept {
    return {text_.data(), host_bytes_ + path_bytes_ + (has_query() ? query_bytes_ + 1 : 0)};
  }
  /// The port as written, a scheme's default too; none where none (or, if lenient, junk) was written.
  [[nodiscard]] std::optional<std::uint16_t> written_port() const noexcept { return written_port_; }
  /// The written port unless it is the scheme's default (no scheme counts as http).
  [[nodiscard]] std::optional<std::uint16_t> port() const noexcept { return port_; }
  [[nodiscard]] bool host_is_address() const noexcept { return host_is_address_; }
  /// Of assign_url: nothing but one slash, if that, was written behind the host. `host/#a`, `host/?` and
  /// `host/a/..` have the same canonical form as `host`, but whoever wrote them may have meant a page.
  [[nodiscard]] bool names_host_alone() const noexcept { return names_host_alone_; }

 private:
  void clear() noexcept;
  std::string_view copy_to_scratch(std::string_view text) noexcept;
  UrlError take_authority(std::string_view authority, std::uint16_t default_port, PortPolicy policy) noexcept;
  UrlError take_port(std::string_view port, std::uint16_t default_port, PortPolicy policy) noexcept;
  /// Takes a name that is canonical as it is written; false, and nothing done, for anything else.
  bool take_plain_name(std::string_view name) noexcept;
  UrlError take_name(std::string_view name) noexcept;
  bool take_ipv6(std::string_view address) noexcept;
  /// The same for a target.
  bool take_plain_target(std::string_view target) noexcept;
  void take_target(std::string_view target) noexcept;
  void take_path(std::string_view path) noexcept;
  void take_query(std::string_view query) noexcept;
  /// `part` is a view of scratch_: decodes it where it stands.
  std::string_view decode_in_place(std::string_view part) noexcept;

  std::size_t host_bytes_ = 0;
  std::size_t path_bytes_ = 0;
  std::size_t query_bytes_ = 0;
  std::optional<std::uint16_t> written_port_;
  std::optional<std::uint16_t> port_;
  bool host_is_address_ = false;
  bool names_host_alone_ = false;
  std::array<char, kMaxUrlBytes> scratch_;
  std::array<char, kMaxCanonicalHostBytes + 3 * kMaxUrlBytes + 2> text_;
};

}  // namespace weir::proto
