#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::test {

struct HttpText {
  std::string_view method = "GET";
  std::string_view target = "/";
  std::string_view host = "www.example.com";  // empty: no Host header
  std::string_view version = "HTTP/1.1";
  std::vector<std::pair<std::string_view, std::string_view>> headers = {};  // after Host
  std::string_view body = {};  // if not empty, with a Content-Length
  std::string_view line_end = "\r\n";
};

/// `GET / HTTP/1.1`, Host, a User-Agent, the headers, the empty line, the body.
std::string http_request_text(const HttpText& request);
inline std::string http_get(std::string_view host, std::string_view target = "/") {
  return http_request_text({.target = target, .host = host});
}

}  // namespace weir::test
