#include "dataplane/proto/url/url.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

using weir::proto::CanonicalUrl;
using weir::proto::PortPolicy;
using weir::proto::UrlError;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Parts {
  std::string host;
  std::string target;
  std::string port;  // with its colon
  bool address;
  bool operator==(const Parts&) const = default;
};

Parts parts_of(const CanonicalUrl& url) {
  require(!url.host().empty() && url.path().starts_with('/'));
  for (const char c : url.text()) require(c > ' ' && c < '\x7F' && c != '#');
  require(url.host().find_first_of("/\\?#@") == std::string_view::npos);
  require(url.path().find_first_of("\\?") == std::string_view::npos);
  require(url.path().find("//") == std::string_view::npos);
  return {.host = std::string(url.host()),
          .target = std::string(url.text().substr(url.host().size())),
          .port = url.port() ? ":" + std::to_string(*url.port()) : "",
          .address = url.host_is_address()};
}

// Reading a canonical form again must change nothing, by either way of reading.
void check_fixed_point(const Parts& once, CanonicalUrl& url) {
  if (once.host.size() + once.target.size() + 32 > weir::proto::kMaxUrlBytes) return;
  // Port 80 counts as none without a scheme.
  const std::string scheme = once.port == ":80" ? "https://" : "";
  require(url.assign_url(scheme + once.host + once.port + once.target, PortPolicy::strict) == UrlError::none);
  require(parts_of(url) == once);
  require(url.assign_request(once.host + once.port, once.target) == UrlError::none);
  Parts expected = once;
  if (expected.port == ":80") expected.port.clear();
  require(parts_of(url) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto url = std::make_unique<CanonicalUrl>();
  const std::string text(data, data + size);
  for (const PortPolicy policy : {PortPolicy::strict, PortPolicy::lenient}) {
    if (url->assign_url(text, policy) == UrlError::none) check_fixed_point(parts_of(*url), *url);
  }
  // A line end or the first slash separates the authority from the target.
  const std::size_t end = text.find_first_of("\n/");
  const std::string authority = text.substr(0, end);
  const std::string target = end == std::string::npos ? "" : text.substr(end);
  if (url->assign_request(authority, target) == UrlError::none) check_fixed_point(parts_of(*url), *url);
  return 0;
}
