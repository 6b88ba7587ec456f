#pragma once

#include <string>

#include "dataplane/proto/url/url.h"

namespace weir::proto {

/// The canonical URL as text: `host[:port]path[?query]`, or `!error`.
inline std::string url_line(const CanonicalUrl& url, UrlError error) {
  if (error != UrlError::none) return "!" + std::string(to_string(error));
  std::string text(url.host());
  if (url.port()) text += ":" + std::to_string(*url.port());
  text += url.path();
  if (url.has_query()) text += "?" + std::string(url.query());
  return text;
}

}  // namespace weir::proto
