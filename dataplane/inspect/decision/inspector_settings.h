#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/base/encapsulations.h"

namespace weir::inspect {

/// Destination ports to inspect; empty: every port, and the content tells the protocol.
using PortSet = std::vector<std::uint16_t>;

struct InspectorSettings {
  PortSet http_ports{};
  PortSet tls_ports{};
  PortSet quic_ports{};
  bool inspect_http = true;
  bool inspect_tls = true;
  bool inspect_quic = true;
  bool tls_alert = true;                   // false: a blocked ClientHello is answered by a reset
  bool quic_close = true;                  // false: a blocked QUIC connection gets no answer
  bool needs_handshake = false;            // without a TCP handshake, answer with one reset to the client
  bool checks_acknowledgement = false;     // a handshake is one whose SYN-ACK the client acknowledges
  unsigned page_bytes_per_second = 65536;  // of block pages to one destination; 0: no limit
  bool drop_unknown_quic = false;          // drop QUIC of unknown versions; false: forward it
  bool close_flow_table = false;  // drop a packet that would evict a connection in use; false: evict it
  bool close_reassembly = false;  // drop a packet that would evict another message's parts; false: evict them
  bool close_fragments = false;   // drop a fragment that would evict another packet's; false: evict them
  bool close_quic_budget = false;  // drop Initials beyond their source's budget; false: forward them
  std::size_t flow_capacity = 65536;
  std::chrono::nanoseconds flow_lifetime = std::chrono::seconds(60);
  std::size_t reassembly_bytes = std::size_t{4} << 20;  // memory for messages in several packets
  std::size_t quic_connections = 16384;                 // in the table
  std::uint32_t quic_initials_per_source = 2000;        // in a second
  std::size_t h2c_connections = 32;                     // followed at the same time
  base::Encapsulations encapsulations{};
  std::size_t fragment_memory_bytes = std::size_t{4} << 20;
};

}  // namespace weir::inspect
