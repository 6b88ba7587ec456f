#include "dataplane/proto/http/http_request.h"

#include <cstdint>

#include "tests/support/require.h"

namespace {

using namespace weir::proto;
using weir::base::ParseStatus;
using weir::fuzz::lies_inside;
using weir::fuzz::require;

void check_found(const HttpRequest& request, std::span<const std::byte> input) {
  require(!request.method.empty() && lies_inside(request.method, input), "there is a method");
  require(lies_inside(request.target, input), "the target lies in the input");
  require(request.doubtful_end <= request.head_bytes, "the doubtful end lies in the head");
  std::string_view headers = request.more_headers;
  std::size_t left = headers.size();
  for (std::string_view host; next_host(headers, host); left = headers.size()) {
    require(!host.empty() && lies_inside(host, input) && headers.size() < left, "each further host is one");
  }
  require(lies_inside(request.version, input), "the version lies in the input");
  require(request.head_bytes > 0 && request.head_bytes <= input.size(), "the head lies in the input");
  const auto head = input.first(request.head_bytes);
  require(head.back() == std::byte{'\n'}, "the head ends with a line");
  require(request.host_count <= kMaxHostHeaders, "no more hosts than there is room for");
  for (std::size_t i = 0; i < request.host_count; ++i) {
    const std::string_view host = request.hosts[i];
    require(!host.empty() && lies_inside(host, head), "a Host value is part of the head");
    require(host.front() != ' ' && host.back() != ' ' && host.back() != '\n', "a Host value is trimmed");
  }
  require(request.framing == BodyFraming::content_length || request.content_length == 0,
          "a length comes with its framing");
  const HttpTarget parts = split_http_target(request);
  require(lies_inside(parts.authority, input), "the authority lies in the input");
  require(lies_inside(parts.path_and_query, input), "the path lies in the input");
  require(parts.has_authority || parts.authority.empty(), "no authority, no name");
}

// The same head, whatever follows it (an HTTP/0.9 request may wait for more).
void check_head_alone(const HttpRequest& request, std::span<const std::byte> input) {
  const HttpParse alone = parse_http_request(input.first(request.head_bytes));
  const bool waits = alone.status == ParseStatus::need_more && request.version.empty();
  require(alone.status == ParseStatus::found || waits, "the head alone is a request");
  require(alone.request.head_bytes == request.head_bytes, "of the same size");
  require(alone.request.host_count == request.host_count, "with the same hosts");
  require(alone.request.target == request.target, "and the same target");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = weir::fuzz::as_input(data, size);
  const HttpParse whole = parse_http_request(input);
  if (whole.status == ParseStatus::found) {
    check_found(whole.request, input);
    check_head_alone(whole.request, input);
  }
  // absent is final: more bytes do not change it, and no prefix of a possible request is absent.
  for (const std::size_t cut : {size / 4, size / 2, size - size / 8}) {
    const ParseStatus early = parse_http_request(input.first(cut)).status;
    if (early == ParseStatus::absent || early == ParseStatus::malformed) {
      require(whole.status == early, "the verdict on a prefix is the verdict on the whole");
    }
    if (early == ParseStatus::found) require(whole.status == ParseStatus::found, "found stays found");
  }
  return 0;
}
