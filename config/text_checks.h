#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// Highest port number of TCP and UDP.
inline constexpr unsigned kLastPort = 65535;

/// Each returns what was expected if `text` is not valid. An empty text stands for an optional path, URI or
/// address that is left out.
std::optional<std::string> check_name(std::string_view text);
/// A host name in its canonical form: lower case, ASCII, at least two labels.
std::optional<std::string> check_host(std::string_view text);
std::optional<std::string> check_optional_path(std::string_view text);
std::optional<std::string> check_directory(std::string_view text);
std::optional<std::string> check_socket_path(std::string_view text);
std::optional<std::string> check_device(std::string_view text);
std::optional<std::string> check_feed_url(std::string_view text);
std::optional<std::string> check_optional_feed_url(std::string_view text);
/// https:// with `{token}` in its path or query, or empty.
std::optional<std::string> check_delta_url(std::string_view text);
std::optional<std::string> check_header_name(std::string_view text);
/// For use in an HTTP header: only the characters of a URI (RFC 3986, section 2), so that the text cannot end
/// the header field, the link or a quoted string.
std::optional<std::string> check_http_uri(std::string_view text);
/// For sentences on the block page.
std::optional<std::string> check_page_text(std::string_view text);
std::optional<std::string> check_listen_address(std::string_view text);
/// RFC 6901, section 3: empty, or parts that each begin with `/`. `~` must be followed by 0 or 1.
std::optional<std::string> check_json_pointer(std::string_view text);
/// The second line of a file that `minisign -G` writes.
std::optional<std::string> check_minisign_key(std::string_view text);
std::optional<std::string> check_plain_word(std::string_view text);
std::optional<std::string> check_interface_address(std::string_view text);
std::optional<std::string> check_host_address(std::string_view text);

// The same for the JSON Schema, as ECMA 262 regular expressions. Lengths, the range of a port and non-ASCII
// letters are left to the checks.
inline constexpr std::string_view kNamePattern = "^[a-z0-9_-]{1,63}$";
inline constexpr std::string_view kHostPattern =
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$";
inline constexpr std::string_view kPathPattern = "^/[^\\x00-\\x1f\\x7f]*$";
inline constexpr std::string_view kOptionalPathPattern = "^(/[^\\x00-\\x1f\\x7f]*)?$";
inline constexpr std::string_view kPageTextPattern = "^[^\\x00-\\x1f\\x7f]{0,400}$";
inline constexpr std::string_view kWordPattern = "^[!-~]+$";
inline constexpr std::string_view kJsonPointerPattern = "^(/([^\\x00-\\x1f\\x7f~]|~[01])*)?$";
inline constexpr std::string_view kMinisignKeyPattern = "^(RW[A-Za-z0-9+/]{54})?$";
inline constexpr std::string_view kDeltaUrlPattern =
    "^(https://[^ /?#:@{][!-.0->@-z|}~]*[/?][!-~]*\\{token\\}[!-~]*)?$";
inline constexpr std::string_view kHeaderNamePattern = "^[0-9A-Za-z-]{1,64}$";
inline constexpr std::string_view kHttpUriPattern =
    "^(https?://[A-Za-z0-9\\[][A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]*)?$";
inline constexpr std::string_view kInterfaceAddressPattern = "^[0-9A-Fa-f:.]+/[1-9][0-9]{0,2}$";
inline constexpr std::string_view kHostAddressPattern = "^[0-9A-Fa-f:.]+$";
inline constexpr std::string_view kListenPattern = "^(([^ ,:\\[\\]]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]+)?$";

}  // namespace weir::config
