#include "dataplane/proto/tls/tls_client_hello.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tests/support/require.h"

namespace {

using namespace weir::proto;
using weir::base::ParseStatus;
using weir::fuzz::lies_inside;
using weir::fuzz::require;

void check_hello(const ClientHello& hello, std::span<const std::byte> input) {
  require(hello.server_name_count <= kMaxServerNames, "no more names than there is room for");
  require(hello.alpn_count <= kMaxAlpn, "no more protocols than there is room for");
  for (std::size_t i = 0; i < hello.server_name_count; ++i) {
    require(!hello.server_names[i].empty() && lies_inside(hello.server_names[i], input), "names are input");
  }
  require(hello.other_name_count <= kMaxServerNames, "nor of other types");
  for (std::size_t i = 0; i < hello.other_name_count; ++i) {
    require(!hello.other_names[i].empty() && lies_inside(hello.other_names[i], input), "they are input");
  }
  for (std::size_t i = 0; i < hello.alpn_count; ++i) {
    require(!hello.alpn[i].empty() && lies_inside(hello.alpn[i], input), "protocols are input");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = weir::fuzz::as_input(data, size);
  const TlsParse body = parse_client_hello_body(input);
  require(body.status == ParseStatus::found || body.status == ParseStatus::malformed,
          "a body is or is not one");
  check_hello(body.hello, input);

  static std::array<std::byte, kMaxAssembledHelloBytes> assembly;
  const TlsParse whole = parse_tls_client_hello(input, assembly);
  // A hello lies in a single record or was assembled.
  const bool has_name = whole.hello.server_name_count != 0;
  const bool has_other = whole.hello.other_name_count != 0;
  const std::string_view shown = has_name    ? whole.hello.server_names[0]
                                 : has_other ? whole.hello.other_names[0]
                                             : whole.hello.alpn[0];
  const bool shows_nothing = !has_name && !has_other && whole.hello.alpn_count == 0;
  const bool in_place = shows_nothing || lies_inside(shown, input);
  check_hello(whole.hello, in_place ? input : std::span<const std::byte>(assembly));
  require(whole.status != ParseStatus::found || whole.stream_bytes <= size, "what was read is there");
  require(whole.status != ParseStatus::need_more || whole.needed_bytes > size, "what is there is not enough");
  for (const std::size_t cut : {size / 4, size / 2, size - size / 8}) {
    const TlsParse early = parse_tls_client_hello(input.first(cut), assembly);
    require(early.status == ParseStatus::need_more || early.status == whole.status,
            "more bytes change need_more and nothing else");
    require(early.status != ParseStatus::need_more || whole.status != ParseStatus::found ||
                early.needed_bytes <= whole.stream_bytes,
            "no more is asked for than it takes");
    require(early.leading_bytes <= cut, "what comes before the hello is there");
    if (whole.status != ParseStatus::found || early.leading_bytes == 0) continue;
    const TlsParse rest = parse_tls_client_hello(input.subspan(early.leading_bytes), assembly);
    require(rest.status == ParseStatus::found, "and need not be read again");
  }
  return 0;
}
