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

/// Packets in memory, in the order in which they are fed to an inspection.
struct Capture {
  std::string name;
  std::vector<CapturedFrame> prologue;  // fed before the clock runs
  std::vector<CapturedFrame> timed;
  bool directions_known = true;
};

/// Whole connections, many at the same time: of eight, five are TLS, one HTTP, one QUIC and one DNS. Most are
/// short, some have hundreds of packets of data.
Capture mixed_traffic(std::size_t connections);
/// TLS, HTTP and QUIC connections; the clock runs for the data behind their handshakes.
Capture decided_connections(std::size_t connections, std::size_t data_packets);
/// One packet each of new connections: an HTTP request, a ClientHello, a QUIC Initial in turn.
Capture first_packets(std::size_t connections);
/// A pcap or pcapng file. Throws std::runtime_error with the reason when it cannot be read.
Capture capture_file(const std::string& path);
/// Writes what the clients and what the servers send of a capture of Ethernet as a pcap file each. Throws
/// std::runtime_error when one cannot be written.
void write_sides(const Capture& capture, const std::string& clients, const std::string& servers);

}  // namespace weir::bench
