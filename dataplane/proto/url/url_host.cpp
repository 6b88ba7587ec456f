#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "dataplane/base/percent_encoding.h"
#include "dataplane/proto/url/url.h"

namespace weir::proto {
namespace {

// Every delimiter that could end a host. A decoded one is encoded again, or it would end the host when the
// result is read again.
constexpr base::ByteSet kHostEncoded = base::encoded_bytes("/\\?@:[]");

// Bytes of a canonical name that are not encoded.
constexpr base::ByteSet kPlainInName = base::bytes_of("abcdefghijklmnopqrstuvwxyz0123456789-_.");

constexpr std::uint32_t kMaxPort = 65535;

// One part of an IPv4 address as inet_aton reads it: decimal, 0octal or 0xhex. None for anything else or more
// than 32 bits. `0x` without digits is zero, as in browsers.
std::optional<std::uint32_t> read_ipv4_part(std::string_view part) noexcept {
  std::uint64_t base = 10;
  if (part.starts_with("0x")) {
    if (part.size() == 2) return 0;
    base = 16;
    part.remove_prefix(2);
  } else if (part.size() > 1 && part[0] == '0') {
    base = 8;
    part.remove_prefix(1);
  }
  if (part.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : part) {
    const int digit = base::hex_digit_value(c);
    if (digit < 0 || static_cast<std::uint64_t>(digit) >= base) return std::nullopt;
    value = value * base + static_cast<std::uint64_t>(digit);
    if (value > 0xFFFFFFFF) return std::nullopt;
  }
  return static_cast<std::uint32_t>(value);
}

// An address of one to four parts; the last one fills the remaining bytes.
std::optional<std::uint32_t> read_ipv4(std::string_view name) noexcept {
  std::uint32_t address = 0;
  for (unsigned parts_left = 4; parts_left > 0; --parts_left) {
    const std::size_t dot = name.find('.');
    const auto part = read_ipv4_part(name.substr(0, dot));
    if (!part) return std::nullopt;
    if (dot == std::string_view::npos) {
      const std::uint64_t limit = std::uint64_t{1} << (8 * parts_left);
      if (*part >= limit) return std::nullopt;
      return address | *part;
    }
    if (*part > 0xFF) return std::nullopt;
    address |= *part << (8 * (parts_left - 1));
    name.remove_prefix(dot + 1);
  }
  return std::nullopt;  // a fifth part
}

char* append_ipv4(std::uint32_t address, char* out) noexcept {
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    const std::uint32_t byte = (address >> (shift - 8)) & 0xFF;
    if (byte >= 100) *out++ = static_cast<char>('0' + byte / 100);
    if (byte >= 10) *out++ = static_cast<char>('0' + byte / 10 % 10);
    *out++ = static_cast<char>('0' + byte % 10);
    if (shift > 8) *out++ = '.';
  }
  return out;
}

// Writes `name` to `out` in lower case, without leading, trailing and repeated dots. None when it is longer
// than `room`.
std::optional<std::size_t> copy_name(std::string_view name, char* out, std::size_t room) noexcept {
  std::size_t size = 0;
  for (const char c : name) {
    if (c == '.' && (size == 0 || out[size - 1] == '.')) continue;
    // One extra byte leaves room for a trailing dot, which is dropped.
    if (size > room) return std::nullopt;
    out[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (size > 0 && out[size - 1] == '.') --size;
  if (size > room) return std::nullopt;
  return size;
}

}  // namespace

UrlError CanonicalUrl::take_authority(std::string_view authority, std::uint16_t default_port,
                                      PortPolicy policy) noexcept {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return UrlError::bad_address;
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return UrlError::bad_address;
    if (!take_ipv6(decode_in_place(authority.substr(1, close - 1)))) return UrlError::bad_address;
    return rest.empty() ? UrlError::none : take_port(rest.substr(1), default_port, policy);
  }
  const std::size_t colon = authority.find(':');
  if (colon == std::string_view::npos) return take_name(authority);
  // An address without brackets is not a valid authority, but lists and Host values have them.
  if (authority.find(':', colon + 1) != std::string_view::npos && take_ipv6(authority)) return UrlError::none;
  // At the first colon, as servers read `host:80:80`.
  const UrlError error = take_name(authority.substr(0, colon));
  return error != UrlError::none ? error : take_port(authority.substr(colon + 1), default_port, policy);
}

UrlError CanonicalUrl::take_port(std::string_view port, std::uint16_t default_port,
                                 PortPolicy policy) noexcept {
  const UrlError junk = policy == PortPolicy::strict ? UrlError::bad_port : UrlError::none;
  if (port.empty()) return UrlError::none;
  std::uint32_t value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return junk;
    value = std::min<std::uint32_t>(value * 10 + static_cast<std::uint32_t>(c - '0'), kMaxPort + 1);
  }
  if (value == 0 || value > kMaxPort) return junk;
  written_port_ = static_cast<std::uint16_t>(value);
  if (value != default_port) port_ = written_port_;
  return UrlError::none;
}

// Nearly all names on the wire are.
bool CanonicalUrl::take_plain_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxHostBytes) return false;
  // Every spelling of an IPv4 address begins with a digit.
  if (!(name.front() >= 'a' && name.front() <= 'z') || name.back() == '.') return false;
  char before = '.';
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!base::contains(kPlainInName, c) || (c == '.' && before == '.')) return false;
    text_[i] = c;
    before = c;
  }
  host_bytes_ = name.size();
  return true;
}

UrlError CanonicalUrl::take_name(std::string_view name) noexcept {
  std::array<char, kMaxHostBytes + 1> cleaned;
  const auto size = copy_name(decode_in_place(name), cleaned.data(), kMaxHostBytes);
  if (!size) return UrlError::host_too_long;
  if (*size == 0) return UrlError::empty_host;
  const std::string_view host{cleaned.data(), *size};
  char* end = nullptr;
  if (const auto address = read_ipv4(host)) {
    end = append_ipv4(*address, text_.data());
    host_is_address_ = true;
  } else {
    end = base::append_percent_encoded(host, kHostEncoded, text_.data());
  }
  host_bytes_ = static_cast<std::size_t>(end - text_.data());
  return UrlError::none;
}

// glibc follows RFC 5952: the first longest run of at least two zero groups becomes `::`, and an IPv4-mapped
// address ends in dotted decimal.
bool CanonicalUrl::take_ipv6(std::string_view address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() >= text.size() || address.find('\0') != std::string_view::npos) return false;
  std::copy(address.begin(), address.end(), text.begin());
  in6_addr parsed{};
  if (inet_pton(AF_INET6, text.data(), &parsed) != 1) return false;
  text_[0] = '[';
  if (inet_ntop(AF_INET6, &parsed, text_.data() + 1, INET6_ADDRSTRLEN) == nullptr) return false;
  const std::size_t written = std::strlen(text_.data() + 1);
  text_[written + 1] = ']';
  host_bytes_ = written + 2;
  host_is_address_ = true;
  return true;
}

}  // namespace weir::proto
