#include "dataplane/proto/reply/synthetic_request.h"

#include <algorithm>
#include <array>

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {
namespace {

/// Smallest datagram that may carry a client's Initial (RFC 9000, 14.1).
constexpr std::size_t kInitialBytes = 1200;
constexpr std::size_t kSentNumberBytes = 4;

constexpr std::array<std::byte, 8> kAddresses{std::byte{192}, std::byte{0}, std::byte{2}, std::byte{1},
                                              std::byte{192}, std::byte{0}, std::byte{2}, std::byte{2}};

std::span<const std::byte> octets_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

/// A sequence of numbers from one seed (SplitMix64). They need not be secret.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint32_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = (state_ ^ state_ >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    return static_cast<std::uint32_t>(mixed >> 32);
  }

 private:
  std::uint64_t state_;
};

/// Writes fields that are preceded by their length.
class Message {
 public:
  explicit Message(std::span<std::byte> out) noexcept : out_(out), writer_(out) {}
  void u8(std::uint32_t value) noexcept { writer_.u8(value); }
  void u16(std::uint32_t value) noexcept { writer_.u16(value); }
  void text(std::string_view text) noexcept { writer_.bytes(octets_of(text)); }
  void random(Numbers& numbers, std::size_t words) noexcept {
    for (std::size_t i = 0; i < words; ++i) writer_.u32(numbers.next());
  }
  [[nodiscard]] std::size_t size() const noexcept { return out_.size() - writer_.rest().size(); }
  /// The content that `write` makes, after its length in two bytes.
  template <class Write>
  void vector(const Write& write) noexcept {
    base::FieldWriter length(writer_.rest());
    writer_.u16(0);
    const std::size_t begin = size();
    write();
    length.u16(static_cast<std::uint32_t>(size() - begin));
  }
  template <class Write>
  void extension(std::uint16_t type, const Write& write) noexcept {
    writer_.u16(type);
    vector(write);
  }

 private:
  std::span<std::byte> out_;
  base::FieldWriter writer_;
};

std::size_t write_http(std::string_view host, std::span<std::byte> out) noexcept {
  Message message(out);
  for (const std::string_view part : {std::string_view("GET / HTTP/1.1\r\nHost: "), host,
                                      std::string_view("\r\nConnection: close\r\n\r\n")}) {
    message.text(part);
  }
  return message.size();
}

void write_extensions(Message& message, const SyntheticRequest& request, Numbers& numbers) noexcept {
  const bool quic = request.protocol == base::Protocol::quic;
  message.extension(0, [&] {  // server_name (RFC 6066, 3)
    message.vector([&] {
      message.u8(0);
      message.vector([&] { message.text(request.host); });
    });
  });
  message.extension(43, [&] {  // supported_versions
    message.u8(2);
    message.u16(0x0304);
  });
  message.extension(10, [&] { message.vector([&] { message.u16(0x001d); }); });  // supported_groups: x25519
  message.extension(13, [&] {                                                    // signature_algorithms
    message.vector([&] {
      message.u16(0x0403);
      message.u16(0x0804);
    });
  });
  message.extension(16, [&] {  // application_layer_protocol_negotiation (RFC 7301)
    const std::string_view name = quic ? "h3" : "h2";
    message.vector([&] {
      message.u8(static_cast<std::uint32_t>(name.size()));
      message.text(name);
    });
  });
  message.extension(51, [&] {  // key_share
    message.vector([&] {
      message.u16(0x001d);
      message.vector([&] { message.random(numbers, 8); });
    });
  });
  if (quic) message.extension(57, [] {});  // quic_transport_parameters (RFC 9001, 8.2): the defaults
}

/// The handshake message, without a record around it.
std::size_t write_hello(const SyntheticRequest& request, Numbers& numbers,
                        std::span<std::byte> out) noexcept {
  Message message(out);
  message.u8(1);  // client_hello
  message.u8(0);  // the highest byte of a length in three
  message.vector([&] {
    message.u16(0x0303);
    message.random(numbers, 8);
    message.u8(0);  // no session id
    message.vector([&] {
      message.u16(0x1301);
      message.u16(0x1302);
    });
    message.u16(0x0100);  // no compression
    message.vector([&] { write_extensions(message, request, numbers); });
  });
  return message.size();
}

std::size_t write_tls(const SyntheticRequest& request, Numbers& numbers, std::span<std::byte> out) noexcept {
  Message record(out);
  record.u8(22);  // handshake
  record.u16(0x0301);
  record.u16(0);
  const std::size_t header_bytes = record.size();
  const std::size_t hello_bytes = write_hello(request, numbers, out.subspan(header_bytes));
  base::FieldWriter(out.subspan(header_bytes - 2)).u16(static_cast<std::uint32_t>(hello_bytes));
  return header_bytes + hello_bytes;
}

std::size_t write_quic(QuicCrypto& crypto, const SyntheticRequest& request, Numbers& numbers,
                       std::span<std::byte> out) noexcept {
  constexpr std::size_t kIdBytes = 8;
  constexpr std::uint32_t kTwoByteInteger = 0x4000;
  const std::span<std::byte> packet = out.first(kInitialBytes);
  std::fill(packet.begin(), packet.end(), std::byte{0});  // PADDING after the hello
  base::FieldWriter writer(packet);
  writer.u8(0xc0 | (kSentNumberBytes - 1));
  writer.u32(1);
  writer.u8(kIdBytes);
  const std::span<const std::byte> id = writer.rest().first(kIdBytes);
  writer.u32(numbers.next());
  writer.u32(numbers.next());
  writer.u8(0);  // no source id
  writer.u8(0);  // no token
  const std::size_t before_number = packet.size() - writer.rest().size() + 2;
  writer.u16(kTwoByteInteger | static_cast<std::uint32_t>(packet.size() - before_number));
  writer.u32(0);
  const std::size_t header_bytes = packet.size() - writer.rest().size();
  writer.u8(6);  // CRYPTO, from offset 0 on
  writer.u8(0);
  const std::size_t hello_bytes = write_hello(request, numbers, writer.rest().subspan(2));
  writer.u16(kTwoByteInteger | static_cast<std::uint32_t>(hello_bytes));
  crypto.seal(crypto.client_keys(QuicVersion::v1, QuicConnectionId(id)), 0, header_bytes, kSentNumberBytes,
              packet);
  return packet.size();
}

void write_ipv4(std::span<std::byte> out, std::uint8_t protocol, std::size_t payload_bytes) noexcept {
  base::FieldWriter writer(out);
  writer.u16(0x4500);
  writer.u16(static_cast<std::uint32_t>(kIpv4HeaderBytes + payload_bytes));
  writer.u32(0x00004000);  // DF
  writer.u8(64);
  writer.u8(protocol);
  writer.u16(0);
  writer.bytes(kAddresses);
  constexpr std::size_t kChecksumOffset = 10;
  base::FieldWriter(out.subspan(kChecksumOffset))
      .u16(checksum_finish(checksum_add(out.first(kIpv4HeaderBytes), 0)));
}

void write_ethernet(std::span<std::byte> out) noexcept {
  base::FieldWriter writer(out);
  for (const std::uint32_t last : {2U, 1U}) {
    writer.u16(0x0200);
    writer.u32(last);
  }
  writer.u16(ether_type::kIpv4);
}

void write_checksum(std::span<std::byte> transport, std::uint8_t protocol, std::size_t offset) noexcept {
  const auto length = static_cast<std::uint32_t>(transport.size());
  const std::uint32_t pseudo_header = checksum_add(kAddresses, protocol + length);
  base::FieldWriter(transport.subspan(offset)).u16(checksum_finish(checksum_add(transport, pseudo_header)));
}

void write_tcp(std::span<std::byte> segment, const SyntheticRequest& request, Numbers& numbers) noexcept {
  base::FieldWriter writer(segment);
  writer.u16(request.source_port);
  writer.u16(request.destination_port);
  writer.u32(numbers.next());
  writer.u32(numbers.next());
  writer.u16(0x5000U | kTcpAck | kTcpPsh);
  writer.u16(0xffff);
  writer.u32(0);
  constexpr std::size_t kChecksumOffset = 16;
  write_checksum(segment, ip_protocol::kTcp, kChecksumOffset);
}

void write_udp(std::span<std::byte> datagram, const SyntheticRequest& request) noexcept {
  base::FieldWriter writer(datagram);
  writer.u16(request.source_port);
  writer.u16(request.destination_port);
  writer.u16(static_cast<std::uint32_t>(datagram.size()));
  writer.u16(0);
  constexpr std::size_t kChecksumOffset = 6;
  write_checksum(datagram, ip_protocol::kUdp, kChecksumOffset);
}

}  // namespace

std::size_t build_synthetic_request(QuicCrypto& crypto, const SyntheticRequest& request,
                                    std::span<std::byte> out) noexcept {
  const bool fits = out.size() >= kSyntheticRequestBytes && !request.host.empty() &&
                    request.host.size() <= kMaxSyntheticHostBytes;
  if (!fits || request.protocol == base::Protocol::h2c) return 0;
  const bool quic = request.protocol == base::Protocol::quic;
  const std::size_t transport_offset = kEthernetHeaderBytes + kIpv4HeaderBytes;
  const std::size_t header_bytes = quic ? kUdpHeaderBytes : kTcpHeaderBytes;
  const std::span<std::byte> payload = out.subspan(transport_offset + header_bytes);
  Numbers numbers(request.random);
  const std::size_t payload_bytes = quic ? write_quic(crypto, request, numbers, payload)
                                    : request.protocol == base::Protocol::tls
                                        ? write_tls(request, numbers, payload)
                                        : write_http(request.host, payload);
  const std::span<std::byte> transport = out.subspan(transport_offset, header_bytes + payload_bytes);
  write_ethernet(out);
  write_ipv4(out.subspan(kEthernetHeaderBytes), quic ? ip_protocol::kUdp : ip_protocol::kTcp,
             transport.size());
  if (quic) {
    write_udp(transport, request);
  } else {
    write_tcp(transport, request, numbers);
  }
  return transport_offset + transport.size();
}

}  // namespace weir::proto
