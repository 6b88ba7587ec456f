#include "dataplane/inspect/block_page/block_page.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace weir::inspect {
namespace {

std::string_view status_text(unsigned status) {
  switch (status) {
    case 302:
      return "302 Found";
    case 403:
      return "403 Forbidden";
    default:
      return "451 Unavailable For Legal Reasons";
  }
}

/// Only the characters that RFC 3986 allows in a URI: none that could end the header line, the link or a
/// quote.
bool is_uri_text(std::string_view text) {
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%") ==
         std::string_view::npos;
}

bool has_scheme(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string_view::npos && colon > 0 && uri.find_first_of("/?#[]@%") > colon;
}

base::Error invalid(std::string message) {
  return {.code = "block_page_invalid", .message = std::move(message)};
}

base::Status check(const BlockPage::Settings& settings) {
  if (settings.status != 451 && settings.status != 403 && settings.status != 302) {
    return invalid(fmt::format("block page: status {}: expected 451, 403 or 302", settings.status));
  }
  const bool is_redirect = settings.status == 302;
  if (is_redirect && !settings.redirect.starts_with("http://") &&
      !settings.redirect.starts_with("https://")) {
    return invalid("block page: status 302 needs a redirect that begins with http:// or https://");
  }
  if (!is_redirect && !settings.redirect.empty()) {
    return invalid(fmt::format("block page: a redirect needs status 302, not {}", settings.status));
  }
  if (!is_uri_text(settings.redirect)) {
    return invalid("block page: redirect: has a character that must be escaped in a URL");
  }
  if (!settings.blocked_by.empty() &&
      (!is_uri_text(settings.blocked_by) || !has_scheme(settings.blocked_by))) {
    return invalid(
        "block page: blocked_by: expected an absolute URI without blanks, such as https://operator.example/");
  }
  if (settings.segment_bytes < kMinSegmentBytes || settings.segment_bytes > kMaxSegmentBytes) {
    return invalid(fmt::format("block page: segment_bytes {}: expected {} to {}", settings.segment_bytes,
                               kMinSegmentBytes, kMaxSegmentBytes));
  }
  return base::ok_status();
}

// A cache may store a 451 by default (RFC 7725, 3), but the URL may be unblocked tomorrow or fetched through
// another network: hence no-store.
std::string header_of(const BlockPage::Settings& settings, std::size_t body_bytes) {
  std::string text = fmt::format("HTTP/1.1 {}\r\n", status_text(settings.status));
  if (settings.status == 302) text += fmt::format("Location: {}\r\n", settings.redirect);
  if (settings.status == 451 && !settings.blocked_by.empty()) {
    text += fmt::format("Link: <{}>; rel=\"blocked-by\"\r\n", settings.blocked_by);
  }
  return text + fmt::format(
                    "Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n"
                    "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                    body_bytes);
}

}  // namespace

base::Result<BlockPage> BlockPage::make(const Settings& settings) {
  if (const auto checked = check(settings); !checked) return checked.error();
  std::string body;
  if (settings.body.empty()) {
    body = neutral_page(settings.texts);
  } else {
    auto filled = fill_page(settings.body, settings.texts, settings.body_name);
    if (!filled) return filled.error();
    body = std::move(filled).value();
  }
  std::string text = header_of(settings, body.size());
  BlockPage page;
  page.segment_bytes_ = settings.segment_bytes;
  page.header_bytes_ = text.size();
  text += body;
  if (text.size() > kMaxResponseBytes) {
    return invalid(
        fmt::format("{}: {} bytes with its headers, at most {} can be sent: shorten the page, or use "
                    "status 302 to redirect to a larger one",
                    settings.body_name, text.size(), kMaxResponseBytes));
  }
  const auto bytes = std::as_bytes(std::span(text));
  page.full_.assign(bytes.begin(), bytes.end());
  return page;
}

std::span<const std::byte> BlockPage::response(bool head_request) const noexcept {
  return std::span(full_).first(head_request ? header_bytes_ : full_.size());
}

std::size_t BlockPage::segment_bytes(std::uint16_t client_mss, bool is_v6) const noexcept {
  constexpr std::uint16_t kDefaultV4 = 536;
  constexpr std::uint16_t kDefaultV6 = 1220;
  const std::uint16_t asked = client_mss != 0 ? client_mss : is_v6 ? kDefaultV6 : kDefaultV4;
  return std::max(kMinSegmentBytes, std::min(segment_bytes_, asked));
}

}  // namespace weir::inspect
