#include "dataplane/proto/http/h2_client_stream.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/require.h"

// The first byte says how the stream is cut; the rest is the stream. The requests must not depend on the cut.
namespace {

using namespace weir::proto;
using weir::base::ParseStatus;
using weir::fuzz::require;

struct Reading {
  std::vector<std::string> requests;
  ParseStatus end = ParseStatus::need_more;
  std::size_t passed_over = 0;
  std::size_t bytes = 0;  // that have to be looked up
  bool operator==(const Reading&) const = default;
};

std::string text_of(const H2Request& request) {
  std::string text;
  for (const std::string_view part : {request.method, request.scheme, request.path}) {
    text += std::string(part) + '\n';
  }
  require(request.host_count <= kMaxHostHeaders, "no more hosts than there is room for");
  for (std::size_t i = 0; i < request.host_count; ++i) {
    require(!request.hosts[i].empty(), "a host is not empty");
    text += std::string(request.hosts[i]) + '\n';
  }
  return text + std::to_string(request.stream_id) + (request.cut ? " cut" : "");
}

Reading read(std::span<const std::byte> stream, std::size_t piece_bytes) {
  static H2Text text;
  static H2ClientStream connection;
  connection.reset();
  Reading reading;
  while (!stream.empty() && reading.end == ParseStatus::need_more) {
    // A copy, so that a read beyond the piece is detected.
    const std::size_t count = std::min(piece_bytes, stream.size());
    const std::vector<std::byte> copy(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(count));
    std::span<const std::byte> piece(copy);
    stream = stream.subspan(count);
    for (;;) {
      const H2Parse parse = connection.next(piece, text);
      reading.end = parse.status;
      if (parse.status == ParseStatus::malformed) {
        ++reading.passed_over;
        continue;
      }
      if (parse.status != ParseStatus::found) break;
      reading.requests.push_back(text_of(parse.request));
      reading.bytes += std::max<std::size_t>(parse.request.host_count, 1) * parse.request.path.size();
    }
    require(piece.empty() || reading.end != ParseStatus::need_more, "a piece is used up");
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto stream = weir::fuzz::as_input(data, size).subspan(1);
  const Reading whole = read(stream, std::max<std::size_t>(stream.size(), 1));
  require(whole.bytes <= H2ClientStream::kFirstAllowance + stream.size() * H2ClientStream::kAllowancePerByte,
          "few bytes cannot make much work");
  require(whole == read(stream, std::size_t{1} + data[0]), "how the stream is cut makes no difference");
  require(whole == read(stream, 1), "nor do single bytes");
  return 0;
}
