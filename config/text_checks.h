#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// Highest port number of TCP and UDP.
inline constexpr unsigned kLastPort = 65535;

/// Each says what was expected, when `text` is not that. Empty text is left to who needs it.
std::optional<std::string> check_name(std::string_view text);
std::optional<std::string> check_absolute_path(std::string_view text);
std::optional<std::string> check_socket_path(std::string_view text);
std::optional<std::string> check_device(std::string_view text);
std::optional<std::string> check_feed_url(std::string_view text);
/// For what goes into an HTTP header: printable ASCII without what could end the field or the quotes.
std::optional<std::string> check_http_uri(std::string_view text);
std::optional<std::string> check_listen_address(std::string_view text);
std::optional<std::string> check_plain_word(std::string_view text);

inline constexpr std::string_view kNamePattern = "^[a-z0-9_-]{1,63}$";
inline constexpr std::string_view kAbsolutePathPattern = "^(/.*)?$";
inline constexpr std::string_view kFeedUrlPattern = "^(https://[^/ ]+|file:///)[^ ]*$";
inline constexpr std::string_view kHttpUriPattern = "^(https?://[!#-;=?-~]+)?$";
inline constexpr std::string_view kListenPattern = "^(.+:[0-9]{1,5})?$";

}  // namespace weir::config
