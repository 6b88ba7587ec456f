#include "dataplane/proto/http/proxy_prefix.h"

#include "dataplane/base/ascii.h"

namespace weir::proto {
namespace {

using base::ParseStatus;

constexpr std::string_view kLinePrefix = "PROXY ";
constexpr std::size_t kMaxLineBytes = 107;
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kSignatureIsCertain = 5;  // fewer bytes are empty lines
constexpr std::size_t kBinaryHeaderBytes = 16;
constexpr std::size_t kMaxBinaryBytes = 4096;  // after the header; longer ones are no proxy's

constexpr std::uint8_t kSocks4 = 4;
constexpr std::uint8_t kSocks5 = 5;
constexpr std::uint8_t kConnect = 1;
constexpr std::uint8_t kPasswordVersion = 1;
constexpr std::size_t kMaxTextBytes = 255;

ProxyPrefix needs(std::size_t bytes) noexcept {
  return {.status = ParseStatus::need_more, .needed_bytes = bytes};
}

unsigned at(std::span<const std::byte> bytes, std::size_t i) noexcept {
  return std::to_integer<unsigned>(bytes[i]);
}

ProxyPrefix parse_binary_header(std::span<const std::byte> bytes) noexcept {
  const std::string_view text = base::characters_of(bytes);
  if (text.size() < kSignatureIsCertain) return {};
  if (!text.starts_with(kSignature) && !kSignature.starts_with(text)) return {};
  if (text.size() < kBinaryHeaderBytes) return needs(kBinaryHeaderBytes);
  const std::size_t after = at(bytes, 14) << 8 | at(bytes, 15);
  if (at(bytes, 12) >> 4 != 2 || after > kMaxBinaryBytes) return {};
  if (text.size() < kBinaryHeaderBytes + after) return needs(kBinaryHeaderBytes + after);
  return {.status = ParseStatus::found, .bytes = kBinaryHeaderBytes + after};
}

// Text that ends with NUL, from `begin`; `end` is set to its NUL.
ParseStatus find_text_end(std::string_view text, std::size_t begin, std::size_t& end) noexcept {
  end = text.find('\0', begin);
  if (end == std::string_view::npos) {
    return text.size() - begin > kMaxTextBytes ? ParseStatus::absent : ParseStatus::need_more;
  }
  return end - begin > kMaxTextBytes ? ParseStatus::absent : ParseStatus::found;
}

// SOCKS 4a is version 4 with an address of 0.0.0.x and a name after the user.
ProxyPrefix parse_socks4(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kUserBegin = 8;
  if (bytes.size() > 1 && at(bytes, 1) != kConnect) return {};
  if (bytes.size() <= kUserBegin) return needs(kUserBegin + 1);
  const std::string_view text = base::characters_of(bytes);
  std::size_t user_end = 0;
  const ParseStatus user = find_text_end(text, kUserBegin, user_end);
  if (user != ParseStatus::found) {
    return user == ParseStatus::absent ? ProxyPrefix{} : needs(bytes.size() + 1);
  }
  const bool named = at(bytes, 4) == 0 && at(bytes, 5) == 0 && at(bytes, 6) == 0 && at(bytes, 7) != 0;
  if (!named) return {.status = ParseStatus::found, .bytes = user_end + 1};
  std::size_t name_end = 0;
  const ParseStatus name = find_text_end(text, user_end + 1, name_end);
  if (name != ParseStatus::found) {
    return name == ParseStatus::absent ? ProxyPrefix{} : needs(bytes.size() + 1);
  }
  return {.status = ParseStatus::found,
          .bytes = name_end + 1,
          .name = text.substr(user_end + 1, name_end - user_end - 1)};
}

// RFC 1928, 4.
ProxyPrefix parse_socks5_request(std::span<const std::byte> bytes, std::size_t begin) noexcept {
  constexpr std::size_t kHeaderBytes = 5;
  constexpr std::size_t kPortBytes = 2;
  if (bytes.size() < begin + kHeaderBytes) return needs(begin + kHeaderBytes);
  const unsigned length = at(bytes, begin + 4);
  std::size_t end = 0;
  switch (at(bytes, begin + 3)) {
    case 1:
      end = begin + 4 + 4 + kPortBytes;
      break;
    case 3:
      end = begin + kHeaderBytes + length + kPortBytes;
      break;
    case 4:
      end = begin + 4 + 16 + kPortBytes;
      break;
    default:
      return {};
  }
  if (at(bytes, begin + 1) != kConnect || at(bytes, begin + 2) != 0) return {};
  if (bytes.size() < end) return needs(end);
  ProxyPrefix found{.status = ParseStatus::found, .bytes = end};
  if (at(bytes, begin + 3) == 3) found.name = base::characters_of(bytes).substr(begin + kHeaderBytes, length);
  return found;
}

ProxyPrefix parse_socks5(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 4) return needs(4);
  const bool no_greeting = at(bytes, 1) == kConnect && at(bytes, 2) == 0 &&
                           (at(bytes, 3) == 1 || at(bytes, 3) == 3 || at(bytes, 3) == 4);
  if (no_greeting) return parse_socks5_request(bytes, 0);
  const unsigned methods = at(bytes, 1);
  if (methods == 0) return {};
  std::size_t begin = 2 + methods;
  if (bytes.size() <= begin) return needs(begin + 1);
  if (at(bytes, begin) == kPasswordVersion) {
    if (bytes.size() <= begin + 1) return needs(begin + 2);
    const std::size_t password = begin + 2 + at(bytes, begin + 1);
    if (bytes.size() <= password) return needs(password + 1);
    begin = password + 1 + at(bytes, password);
    if (bytes.size() <= begin) return needs(begin + 1);
  }
  return at(bytes, begin) == kSocks5 ? parse_socks5_request(bytes, begin) : ProxyPrefix{};
}

}  // namespace

ProxyPrefix parse_proxy_header(std::span<const std::byte> bytes) noexcept {
  const std::string_view text = base::characters_of(bytes);
  if (!text.starts_with(kLinePrefix)) return parse_binary_header(bytes);
  const std::size_t end = text.substr(0, kMaxLineBytes).find('\n');
  if (end == std::string_view::npos)
    return text.size() < kMaxLineBytes ? needs(text.size() + 1) : ProxyPrefix{};
  // A request whose method is PROXY has a version.
  if (text.substr(0, end).find("HTTP/") != std::string_view::npos) return {};
  return {.status = ParseStatus::found, .bytes = end + 1};
}

ProxyPrefix parse_socks(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return {};
  if (at(bytes, 0) == kSocks4) return parse_socks4(bytes);
  if (at(bytes, 0) == kSocks5) return parse_socks5(bytes);
  return {};
}

}  // namespace weir::proto
