#include "tests/support/http_text.h"

namespace weir::test {

std::string http_request_text(const HttpText& request) {
  std::string text;
  const auto line = [&text, &request](std::initializer_list<std::string_view> parts) {
    for (const auto part : parts) text += part;
    text += request.line_end;
  };
  line({request.method, " ", request.target, " ", request.version});
  if (!request.host.empty()) line({"Host: ", request.host});
  line({"User-Agent: weir-test/1.0"});
  for (const auto& header : request.headers) line({header.first, ": ", header.second});
  if (!request.body.empty()) line({"Content-Length: ", std::to_string(request.body.size())});
  line({});
  text += request.body;
  return text;
}

}  // namespace weir::test
