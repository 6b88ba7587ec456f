#include "tests/bench/ndpi/captures.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "dataplane/replay/capture_file.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/pcap_writer.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::bench {
namespace {

using test::Bytes;

constexpr std::size_t kSegmentBytes = 1448;
constexpr std::size_t kDatagramBytes = 1200;

/// One connection; each call appends a packet.
class Connection {
 public:
  Connection(std::size_t number, std::uint16_t server_port)
      : number_(number),
        client_("10." + std::to_string(number / 60000 % 200) + "." + std::to_string(number / 250 % 240) +
                "." + std::to_string(1 + number % 250)),
        server_("192.0.2." + std::to_string(1 + number % 250)),
        client_port_(static_cast<std::uint16_t>(20000 + number * 7 % 40000)),
        server_port_(server_port) {}

  void handshake() {
    segment(true, "S", {});
    segment(false, "SA", {});
    segment(true, "A", {});
  }
  void client(std::span<const std::byte> data) { stream(true, data); }
  void server(std::span<const std::byte> data) { stream(false, data); }
  void acknowledge() { segment(true, "A", {}); }
  void datagram(bool from_client, const Bytes& data) {
    frames.push_back({.bytes = test::PacketBuilder()
                                   .ethernet()
                                   .ipv4(from_client ? client_ : server_, from_client ? server_ : client_)
                                   .udp(from_client ? client_port_ : server_port_,
                                        from_client ? server_port_ : client_port_)
                                   .payload(data)
                                   .build(),
                      .from_client = from_client});
  }
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] std::string host() const { return "www" + std::to_string(number_ % 5000) + ".example.org"; }

  std::vector<CapturedFrame> frames;

 private:
  void stream(bool from_client, std::span<const std::byte> data) {
    while (!data.empty()) {
      const std::size_t count = std::min(data.size(), kSegmentBytes);
      segment(from_client, "PA", data.first(count));
      data = data.subspan(count);
    }
  }
  void segment(bool from_client, std::string_view flags, std::span<const std::byte> data) {
    std::uint32_t& next = next_[from_client ? 0 : 1];
    test::PacketBuilder packet;
    packet.ethernet()
        .ipv4(from_client ? client_ : server_, from_client ? server_ : client_)
        .tcp(from_client ? client_port_ : server_port_, from_client ? server_port_ : client_port_)
        .seq(next);
    if (flags != "S") packet.ack(next_[from_client ? 1 : 0]);
    frames.push_back({.bytes = packet.flags(flags).payload(data).build(), .from_client = from_client});
    next += static_cast<std::uint32_t>(data.size()) + (flags.front() == 'S' ? 1 : 0);
  }

  std::size_t number_;
  std::string client_;
  std::string server_;
  std::uint16_t client_port_;
  std::uint16_t server_port_;
  std::array<std::uint32_t, 2> next_{1000, 500000};
};

// Bytes that begin no protocol.
Bytes noise(std::size_t count, std::size_t seed) {
  Bytes bytes(count);
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761U + 12345U;
  for (std::byte& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

Bytes application_record(std::size_t count, std::size_t seed) {
  Bytes record = test::from_hex("170303");
  record.push_back(static_cast<std::byte>(count >> 8));
  record.push_back(static_cast<std::byte>(count));
  const Bytes data = noise(count, seed);
  record.insert(record.end(), data.begin(), data.end());
  return record;
}

// TLS 1.3: ServerHello, change_cipher_spec, and encrypted records of a certificate's size.
Bytes server_flight(std::size_t seed) {
  Bytes flight = test::from_hex("160303007a020000760303");
  const auto add = [&flight](const Bytes& bytes) { flight.insert(flight.end(), bytes.begin(), bytes.end()); };
  add(noise(32, seed));
  add(test::from_hex("20"));
  add(noise(32, seed + 1));
  add(test::from_hex("130100002e002b0002030400330024001d0020"));
  add(noise(32, seed + 2));
  add(test::from_hex("140303000101"));
  add(application_record(2400, seed));
  return flight;
}

Bytes hello_record(const Connection& connection) {
  // Every second hello has a post-quantum key share and needs two segments.
  const std::size_t bytes = connection.number() % 2 == 0 ? 517 : 1800;
  return test::TlsHelloBuilder()
      .grease()
      .typical()
      .alpn({"h2", "http/1.1"})
      .sni(connection.host())
      .pad_to(bytes)
      .record();
}

Bytes request(const Connection& connection, std::size_t number) {
  const std::string text = test::http_request_text(
      {.target = "/images/2026/photo" + std::to_string(number) + ".jpg?width=800",
       .host = connection.host(),
       .headers = {{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
                   {"Accept-Language", "en-US,en;q=0.5"},
                   {"Cookie", "session=0123456789abcdef0123456789abcdef0123456789abcdef"},
                   {"Connection", "keep-alive"}}});
  return test::to_bytes(text);
}

std::vector<Bytes> initials(const Connection& connection) {
  const std::size_t parts = connection.number() % 2 == 0 ? 1 : 2;
  const Bytes hello = test::TlsHelloBuilder()
                          .typical()
                          .alpn({"h3"})
                          .sni(connection.host())
                          .pad_to(parts == 1 ? 400 : 1800)
                          .handshake();
  const std::string id = std::to_string(10000000 + connection.number()) + "a1b2c3d4";
  std::vector<Bytes> datagrams;
  for (const test::QuicPiece& piece : test::quic_pieces(hello, parts)) {
    datagrams.push_back(test::QuicPacketBuilder()
                            .id(id)
                            .source_id("c0ffee0123")
                            .number(datagrams.size())
                            .crypto(piece.offset, piece.data)
                            .pad_to(kDatagramBytes)
                            .build());
  }
  return datagrams;
}

Bytes short_header_packet(std::size_t bytes, std::size_t seed) {
  Bytes packet = noise(bytes, seed);
  packet.front() = std::byte{0x45};
  return packet;
}

void open_tls(Connection& connection) {
  connection.handshake();
  connection.client(hello_record(connection));
  connection.server(server_flight(connection.number()));
  Bytes finished = test::from_hex("140303000101");
  const Bytes record = application_record(53, connection.number());
  finished.insert(finished.end(), record.begin(), record.end());
  connection.client(finished);
}

// Of eight packets, four are full ones to the client, one is data from it, three are acknowledgements.
void tls_data(Connection& connection, std::size_t packets) {
  for (std::size_t i = 0; i < packets; ++i) {
    if (i % 8 == 0) {
      connection.client(application_record(300, i));
    } else if (i % 2 == 1) {
      connection.server(application_record(kSegmentBytes - 5, i));
    } else {
      connection.acknowledge();
    }
  }
}

void http_exchange(Connection& connection, std::size_t number, std::size_t packets) {
  connection.client(request(connection, number));
  const std::size_t body_packets = packets - packets / 3;
  connection.server(
      test::to_bytes("HTTP/1.1 200 OK\r\nServer: example\r\nContent-Type: image/jpeg\r\nContent-Length: " +
                     std::to_string(body_packets * kSegmentBytes) + "\r\n\r\n"));
  for (std::size_t i = 0; i < packets; ++i) {
    if (i % 3 == 2) {
      connection.acknowledge();
    } else {
      connection.server(noise(kSegmentBytes, i));
    }
  }
}

void http_upload(Connection& connection, std::size_t packets) {
  for (std::size_t i = 0; i < packets; ++i) connection.client(noise(kSegmentBytes, i));
}

void open_quic(Connection& connection) {
  for (const Bytes& datagram : initials(connection)) connection.datagram(true, datagram);
  connection.datagram(false, test::QuicPacketBuilder()
                                 .id("c0ffee0123")
                                 .source_id("5e12e55e12e5")
                                 .ack()
                                 .pad_to(kDatagramBytes)
                                 .build());
}

void quic_data(Connection& connection, std::size_t packets) {
  for (std::size_t i = 0; i < packets; ++i) {
    const bool from_client = i % 3 == 0;
    connection.datagram(from_client, short_header_packet(from_client ? 60 : 1250, i));
  }
}

void dns(Connection& connection) {
  const Bytes question = test::from_hex("076578616d706c65036f72670000010001");
  Bytes query = test::from_hex("1234010000010000 00000000 03777777");
  query.insert(query.end(), question.begin(), question.end());
  Bytes response = test::from_hex("1234818000010001 00000000 03777777");
  response.insert(response.end(), question.begin(), question.end());
  const Bytes answer = test::from_hex("c00c000100010000003c0004c0000201");
  response.insert(response.end(), answer.begin(), answer.end());
  connection.datagram(true, query);
  connection.datagram(false, response);
}

std::vector<CapturedFrame> whole_connection(std::size_t number) {
  constexpr std::array<std::size_t, 8> kDataPackets{8, 16, 8, 32, 16, 8, 64, 200};
  const std::size_t packets = kDataPackets[number / 8 % kDataPackets.size()];
  switch (number % 8) {
    case 5: {
      Connection connection(number, 80);
      connection.handshake();
      http_exchange(connection, 0, packets / 2);
      http_exchange(connection, 1, packets / 2);
      return std::move(connection.frames);
    }
    case 6: {
      Connection connection(number, 443);
      open_quic(connection);
      quic_data(connection, packets);
      return std::move(connection.frames);
    }
    case 7: {
      Connection connection(number, 53);
      dns(connection);
      return std::move(connection.frames);
    }
    default: {
      Connection connection(number, 443);
      open_tls(connection);
      tls_data(connection, packets);
      return std::move(connection.frames);
    }
  }
}

/// One packet of each connection in turn.
void interleave(std::vector<std::vector<CapturedFrame>>& sources, std::vector<CapturedFrame>& to) {
  for (std::size_t i = 0, left = 1; left > 0; ++i) {
    left = 0;
    for (auto& source : sources) {
      if (i >= source.size()) continue;
      to.push_back(std::move(source[i]));
      ++left;
    }
  }
}

}  // namespace

Capture mixed_traffic(std::size_t connections) {
  constexpr std::size_t kAtOnce = 512;
  Capture capture{.name = "mixed traffic", .prologue = {}, .timed = {}};
  for (std::size_t first = 0; first < connections; first += kAtOnce) {
    std::vector<std::vector<CapturedFrame>> sources;
    for (std::size_t i = first; i < std::min(connections, first + kAtOnce); ++i) {
      sources.push_back(whole_connection(i));
    }
    interleave(sources, capture.timed);
  }
  return capture;
}

Capture decided_connections(std::size_t connections, std::size_t data_packets) {
  // Enough data for inspections that read more than the handshake.
  constexpr std::size_t kBefore = 32;
  std::vector<std::vector<CapturedFrame>> openings;
  std::vector<std::vector<CapturedFrame>> data;
  for (std::size_t i = 0; i < connections; ++i) {
    Connection connection(i, i % 4 == 2 ? 80 : 443);
    const auto add_data = [&](std::size_t packets) {
      if (i % 4 == 2) {
        http_upload(connection, packets);
      } else if (i % 4 == 3) {
        quic_data(connection, packets);
      } else {
        tls_data(connection, packets);
      }
    };
    if (i % 4 == 2) {
      connection.handshake();
      http_exchange(connection, 0, 9);
      connection.client(test::to_bytes("POST / HTTP/1.1\r\nHost: " + connection.host() +
                                       "\r\nContent-Length: 1000000000\r\n\r\n"));
    } else if (i % 4 == 3) {
      open_quic(connection);
    } else {
      open_tls(connection);
    }
    add_data(kBefore);
    openings.push_back(std::move(connection.frames));
    connection.frames.clear();
    add_data(data_packets);
    data.push_back(std::move(connection.frames));
  }
  Capture capture{.name = "decided connections", .prologue = {}, .timed = {}};
  interleave(openings, capture.prologue);
  interleave(data, capture.timed);
  return capture;
}

Capture first_packets(std::size_t connections) {
  Capture capture{.name = "first packets only", .prologue = {}, .timed = {}};
  for (std::size_t i = 0; i < connections; ++i) {
    // Even numbers have hellos that fit into one packet.
    Connection connection(2 * i, i % 3 == 0 ? 80 : 443);
    if (i % 3 == 0) {
      connection.client(request(connection, 0));
    } else if (i % 3 == 1) {
      connection.client(hello_record(connection));
    } else {
      connection.datagram(true, initials(connection).front());
    }
    capture.timed.push_back(std::move(connection.frames.front()));
  }
  return capture;
}

Capture capture_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  replay::CaptureReader reader(std::as_bytes(std::span(content)));
  Capture capture{.name = path, .prologue = {}, .timed = {}, .directions_known = false};
  replay::CapturePacket packet;
  replay::CaptureStatus status{};
  while ((status = reader.next(packet)) == replay::CaptureStatus::packet) {
    const auto link = replay::link_type_of(packet.link);
    if (!link) continue;
    capture.timed.push_back({.bytes = {packet.frame.begin(), packet.frame.end()}, .link = *link});
  }
  if (status == replay::CaptureStatus::broken) {
    throw std::runtime_error(path + ": byte " + std::to_string(reader.offset()) + ": " + reader.problem());
  }
  if (capture.timed.empty()) throw std::runtime_error(path + ": holds no packet of a known link type");
  return capture;
}

void write_sides(const Capture& capture, const std::string& clients, const std::string& servers) {
  test::PcapWriter from_clients(clients);
  test::PcapWriter from_servers(servers);
  for (const auto* frames : {&capture.prologue, &capture.timed}) {
    for (const CapturedFrame& frame : *frames) {
      (frame.from_client ? from_clients : from_servers).write(frame.bytes);
    }
  }
}

}  // namespace weir::bench
