#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/proto/packet/packet_view.h"
#include "tests/support/bytes.h"

namespace weir::bench {

struct CapturedFrame {
  test::Bytes bytes;
  proto::LinkType link = proto::LinkType::ethernet;
  bool from_client = false;
};

/// Packets in memory, in the order in which they are inspected.
struct Capture {
  std::string name;
  std::vector<CapturedFrame> prologue;  // inspected before the clock runs
  std::vector<CapturedFrame> timed;
  bool directions_known = true;
};

/// Whole connections, many at the same time. Of eight, five are TLS, one is HTTP, one QUIC and one DNS. Most
/// are short; some have hundreds of data packets.
Capture mixed_traffic(std::size_t connections);
/// TLS, HTTP and QUIC connections; only the data after their handshakes is timed.
Capture decided_connections(std::size_t connections, std::size_t data_packets);
/// One packet each of new connections, in turn: an HTTP request, a ClientHello, a QUIC Initial.
Capture first_packets(std::size_t connections);
/// Reads a pcap or pcapng file. Throws std::runtime_error with the reason if it cannot be read.
Capture capture_file(const std::string& path);
/// Writes the clients' and the servers' packets of an Ethernet capture to one pcap file each. Throws
/// std::runtime_error if a file cannot be written.
void write_sides(const Capture& capture, const std::string& clients, const std::string& servers);

}  // namespace weir::bench
