#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::bench {

/// An ordinary user of libndpi, like the library's example programs. Flows are found by the 5-tuple of both
/// directions. Each packet of a flow goes to ndpi_detection_process_packet() until the protocol is known and
/// no extra dissection is possible, or until ndpiReader's limits are reached. Looks only for HTTP, TLS and
/// QUIC.
class NdpiUser {
 public:
  /// Whether packets of decided flows still go to the library.
  enum class Decided : bool { skip, process };

  /// Throws std::runtime_error if the library cannot be set up.
  NdpiUser(std::size_t flow_capacity, Decided decided);
  ~NdpiUser();
  NdpiUser(const NdpiUser&) = delete;
  NdpiUser& operator=(const NdpiUser&) = delete;

  void process(std::span<const std::byte> frame, proto::LinkType link, std::chrono::milliseconds now);
  /// Forgets all flows.
  void clear();

  struct Totals {
    std::size_t flows = 0;
    std::size_t decided = 0;
    std::size_t http = 0;
    std::size_t tls = 0;
    std::size_t quic = 0;
    std::size_t named = 0;  // flows with a host name
  };
  /// Of the flows since the last clear().
  [[nodiscard]] Totals totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::bench
