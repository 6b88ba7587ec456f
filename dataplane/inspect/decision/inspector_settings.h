#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/base/encapsulations.h"

namespace weir::inspect {

/// Destination ports to inspect; empty: every port, the protocol is told by its content.
using PortSet = std::vector<std::uint16_t>;

struct InspectorSettings {
  PortSet http_ports{};
  PortSet tls_ports{};
  PortSet quic_ports{};
  bool inspect_http = true;
  bool inspect_tls = true;
  bool inspect_quic = true;
  bool tls_alert = true;           // else a reset answers a blocked ClientHello
  bool quic_close = true;          // else a blocked QUIC connection gets no answer
  bool drop_unknown_quic = false;  // QUIC of a version that is not known, else forwarded
  bool close_flow_table = false;   // drop what would push out a connection that matters, else let it
  bool close_reassembly = false;   // drop what would push out another message's parts, else let it
  std::size_t flow_capacity = 65536;
  std::chrono::nanoseconds flow_lifetime = std::chrono::seconds(60);
  std::size_t reassembly_bytes = std::size_t{4} << 20;  // of messages that lie in several packets
  std::size_t quic_connections = 16384;                 // remembered
  std::size_t h2c_connections = 32;                     // followed at the same time
  base::Encapsulations encapsulations{};
  std::size_t fragment_memory_bytes = std::size_t{4} << 20;
};

}  // namespace weir::inspect
