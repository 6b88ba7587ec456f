#include "dataplane/proto/reply/synthetic_request.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proto/http/http_request.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/quic/quic_frames.h"
#include "dataplane/proto/quic/quic_initial.h"
#include "dataplane/proto/tls/tls_client_hello.h"
#include "tests/support/bytes.h"

namespace weir::proto {
namespace {

using base::ParseStatus;
using base::Protocol;
using test::Bytes;

Bytes frame_of(const SyntheticRequest& request) {
  QuicCrypto crypto;
  Bytes frame(kSyntheticRequestBytes);
  frame.resize(build_synthetic_request(crypto, request, frame));
  return frame;
}

PacketView view_of(const Bytes& frame) {
  const PacketView view = parse_packet(frame, LinkType::ethernet);
  // The sum over a header with its checksum is zero; for TCP and UDP, with the pseudo header.
  EXPECT_EQ(checksum_finish(checksum_add(std::span(frame).subspan(view.ip_offset, 20), 0)), 0);
  const auto transport = std::span(frame).subspan(view.transport_offset);
  const auto pseudo = checksum_add(std::span(frame).subspan(view.ip_offset + 12, 8),
                                   static_cast<std::uint32_t>(view.ip_protocol + transport.size()));
  EXPECT_EQ(checksum_finish(checksum_add(transport, pseudo)), 0);
  return view;
}

TEST(SyntheticRequest, HttpNamesItsHost) {
  const Bytes frame = frame_of({.host = "canary.invalid", .source_port = 40000, .destination_port = 8080});
  const PacketView view = view_of(frame);
  EXPECT_EQ(view.packet_class, PacketClass::tcp);
  EXPECT_EQ(view.source_port, 40000);
  EXPECT_EQ(view.destination_port, 8080);
  const HttpParse parse = parse_http_request(view.payload);
  ASSERT_EQ(parse.status, ParseStatus::found);
  EXPECT_EQ(parse.request.method, "GET");
  ASSERT_EQ(parse.request.host_count, 1U);
  EXPECT_EQ(parse.request.hosts[0], "canary.invalid");
  EXPECT_EQ(parse.request.head_bytes, view.payload.size());
}

void expect_hello(const TlsParse& parse, std::string_view host, std::string_view alpn) {
  ASSERT_EQ(parse.status, ParseStatus::found);
  ASSERT_EQ(parse.hello.server_name_count, 1U);
  EXPECT_EQ(parse.hello.server_names[0], host);
  ASSERT_EQ(parse.hello.alpn_count, 1U);
  EXPECT_EQ(parse.hello.alpn[0], alpn);
}

TEST(SyntheticRequest, TlsNamesItsHost) {
  const std::string longest(kMaxSyntheticHostBytes, 'a');
  for (const std::string_view host : {std::string_view("a.invalid"), std::string_view(longest)}) {
    const Bytes frame = frame_of({.protocol = Protocol::tls, .host = host, .destination_port = 443});
    const PacketView view = view_of(frame);
    const TlsParse parse = parse_tls_client_hello(view.payload);
    expect_hello(parse, host, "h2");
    EXPECT_EQ(parse.stream_bytes, view.payload.size());
  }
}

TEST(SyntheticRequest, QuicNamesItsHost) {
  const std::string longest(kMaxSyntheticHostBytes, 'a');
  for (const std::string_view host : {std::string_view("a.invalid"), std::string_view(longest)}) {
    const Bytes frame =
        frame_of({.protocol = Protocol::quic, .host = host, .destination_port = 443, .random = 7});
    const PacketView view = view_of(frame);
    EXPECT_EQ(view.packet_class, PacketClass::udp);
    EXPECT_GE(view.payload.size(), 1200U);
    const QuicParse parse = parse_quic_packet(view.payload);
    ASSERT_EQ(parse.packet.type, QuicPacketType::initial);
    EXPECT_EQ(parse.packet.bytes.size(), view.payload.size());
    QuicCrypto crypto;
    Bytes plaintext(view.payload.size());
    const auto opened =
        crypto.open(crypto.client_keys(QuicVersion::v1, QuicConnectionId(parse.packet.destination_id)),
                    parse.packet, 0, plaintext);
    ASSERT_TRUE(opened);
    // CRYPTO, offset 0, length in two bytes; the header of the hello has four.
    const auto frames = opened->frames;
    ASSERT_EQ(frames[0], std::byte{6});
    const std::size_t hello_bytes =
        (std::to_integer<std::size_t>(frames[2]) & 0x3f) << 8 | std::to_integer<std::size_t>(frames[3]);
    expect_hello(parse_client_hello_body(frames.subspan(8, hello_bytes - 4)), host, "h3");
  }
}

TEST(SyntheticRequest, RequestsDiffer) {
  for (const Protocol protocol : {Protocol::http, Protocol::tls, Protocol::quic}) {
    EXPECT_NE(frame_of({.protocol = protocol, .host = "a.invalid", .random = 1}),
              frame_of({.protocol = protocol, .host = "a.invalid", .random = 2}));
  }
}

TEST(SyntheticRequest, RefusesWhatItCannotWrite) {
  QuicCrypto crypto;
  Bytes room(kSyntheticRequestBytes);
  const std::string too_long(kMaxSyntheticHostBytes + 1, 'a');
  EXPECT_EQ(build_synthetic_request(crypto, {.host = ""}, room), 0U);
  EXPECT_EQ(build_synthetic_request(crypto, {.host = too_long}, room), 0U);
  EXPECT_EQ(build_synthetic_request(crypto, {.protocol = Protocol::h2c, .host = "a.invalid"}, room), 0U);
  EXPECT_EQ(build_synthetic_request(crypto, {.host = "a.invalid"}, std::span(room).first(room.size() - 1)),
            0U);
}

}  // namespace
}  // namespace weir::proto
