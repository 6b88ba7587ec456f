#include "config/text_checks.h"

#include <algorithm>
#include <charconv>

#include "config/addresses.h"
#include "config/feed_schemes.h"
#include "dataplane/base/ascii.h"

namespace weir::config {
namespace {

// sizeof(sockaddr_un::sun_path) without the NUL.
constexpr std::size_t kSocketPathBytes = 107;

bool printable(char c) { return c > ' ' && c < '\x7f'; }
bool all_printable(std::string_view text) { return std::all_of(text.begin(), text.end(), printable); }
bool is_alphanumeric(char c) { return base::ascii_alpha(c) || base::ascii_digit(c); }
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

// The part after `prefix`; nullopt if the text begins otherwise.
std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  return text.substr(prefix.size());
}

bool is_port(std::string_view digits) {
  unsigned port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  return error == std::errc() && stop == end && port >= 1 && port <= kLastPort;
}

// A name, an IPv4 address, or an IPv6 address in brackets. No comma: the server would read it as a second
// listener.
bool is_listen_host(std::string_view host) {
  if (host.empty() || !all_printable(host)) return false;
  if (host.front() != '[') return host.find_first_of(",:[]") == std::string_view::npos;
  const std::string_view address = host.substr(1, host.size() - 2);
  return host.size() > 2 && host.back() == ']' &&
         address.find_first_not_of("0123456789ABCDEFabcdef:.") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> check_name(std::string_view text) {
  constexpr std::size_t kLongest = 63;
  const bool good =
      !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
  if (good) return std::nullopt;
  return "1 to 63 characters of a-z, 0-9, _ and -";
}

std::optional<std::string> check_host(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  constexpr std::size_t kLongestLabel = 63;
  const auto is_good = [](std::string_view label) {
    return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  };
  std::size_t labels = 0;
  bool good = text.size() <= kLongest;
  // The last label must not be a number: that would be an address.
  std::string_view last;
  for (std::string_view rest = text; good; ++labels) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    good = is_good(last);
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  const bool is_number = std::all_of(last.begin(), last.end(), base::ascii_digit);
  if (good && labels >= 1 && !is_number) return std::nullopt;
  return "a lower-case host name with at least two labels, such as name.example";
}

std::optional<std::string> check_directory(std::string_view text) {
  if (!text.empty() && text.front() == '/' && !has_control(text)) return std::nullopt;
  return "an absolute path";
}

std::optional<std::string> check_optional_path(std::string_view text) {
  return text.empty() ? std::nullopt : check_directory(text);
}

std::optional<std::string> check_socket_path(std::string_view text) {
  if (!text.empty() && text.front() == '/' && text.size() <= kSocketPathBytes && !has_control(text)) {
    return std::nullopt;
  }
  return "an absolute path of at most 107 bytes";
}

std::optional<std::string> check_device(std::string_view text) {
  if (!text.empty() && all_printable(text)) return std::nullopt;
  return "a PCI address such as 0000:81:00.0, or a DPDK device such as net_af_packet0,iface=eth1";
}

std::optional<std::string> check_feed_url(std::string_view text) {
  if (after(text, "http://")) return "https://, because a list is secret and must not travel in clear text";
  const FeedSchemeRow* const scheme = feed_scheme_of(text);
  if (scheme != nullptr && all_printable(text)) {
    const std::string_view rest = text.substr(scheme->name.size());
    const bool has_host =
        !rest.empty() && std::string_view("/?#:@").find(rest.front()) == std::string_view::npos;
    if (has_host || !scheme->names_host) return std::nullopt;
  }
  return std::string(kFeedUrlForms);
}

std::optional<std::string> check_optional_feed_url(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return check_feed_url(text);
}

std::optional<std::string> check_delta_url(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto rest = after(text, "https://");
  const std::size_t host_end = rest ? rest->find_first_of("/?") : std::string_view::npos;
  if (host_end != std::string_view::npos && !check_feed_url(text) &&
      rest->substr(0, host_end).find('{') == std::string_view::npos &&
      rest->find("{token}", host_end) != std::string_view::npos) {
    return std::nullopt;
  }
  return "https://HOST/... with {token} in its path or query";
}

std::optional<std::string> check_header_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  const bool good =
      !text.empty() && text.size() <= kLongest &&
      std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
  if (good) return std::nullopt;
  return "an HTTP header name of 1 to 64 letters, digits and -";
}

std::optional<std::string> check_http_uri(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto https = after(text, "https://");
  const auto rest = https ? https : after(text, "http://");
  const auto may_stand = [](char c) {
    return is_alphanumeric(c) ||
           std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
  };
  const bool has_host = rest && !rest->empty() && (is_alphanumeric(rest->front()) || rest->front() == '[');
  if (has_host && std::all_of(rest->begin(), rest->end(), may_stand)) return std::nullopt;
  return "http://HOST/... or https://HOST/..., with only the characters that a URI may have";
}

std::optional<std::string> check_page_text(std::string_view text) {
  constexpr std::size_t kLongest = 400;
  if (text.size() <= kLongest && !has_control(text)) return std::nullopt;
  return "one line of at most 400 bytes";
}

std::optional<std::string> check_listen_address(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && is_listen_host(text.substr(0, colon)) &&
      is_port(text.substr(colon + 1))) {
    return std::nullopt;
  }
  return "ADDRESS:PORT such as 127.0.0.1:9477 or [::1]:9477, or \"\" for none";
}

std::optional<std::string> check_json_pointer(std::string_view text) {
  bool good = text.empty() || text.front() == '/';
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool escaped = i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
    good = byte >= 0x20 && byte != 0x7f && (text[i] != '~' || escaped);
  }
  if (good) return std::nullopt;
  return "a JSON pointer: empty, or /PART/PART with ~0 for ~ and ~1 for /";
}

std::optional<std::string> check_minisign_key(std::string_view text) {
  constexpr std::size_t kKeyLetters = 56;
  const bool good = text.size() == kKeyLetters && text.starts_with("RW") &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; });
  if (text.empty() || good) return std::nullopt;
  return "the second line of a minisign public key file: RW and 54 more characters";
}

std::optional<std::string> check_plain_word(std::string_view text) {
  if (!text.empty() && all_printable(text)) return std::nullopt;
  return "a word without spaces";
}

std::optional<std::string> check_interface_address(std::string_view text) {
  if (read_interface_address(text)) return std::nullopt;
  return "a unicast address with its prefix length, such as 192.0.2.1/24 or 2001:db8::1/64";
}

std::optional<std::string> check_host_address(std::string_view text) {
  if (read_host_address(text)) return std::nullopt;
  return "a unicast address, such as 192.0.2.254 or 2001:db8::fe";
}

}  // namespace weir::config
