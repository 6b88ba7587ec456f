#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::bench {

/// An ordinary user of libndpi, as its own example programs are: flows by the 5-tuple of both directions;
/// each packet of a flow goes to ndpi_detection_process_packet() until the protocol is known and nothing more
/// is to be learnt, or until the limits of ndpiReader. Only HTTP, TLS and QUIC are looked for.
class NdpiUser {
 public:
  /// Whether packets of flows that are decided still go to the library.
  enum class Decided : bool { skip, process };

  /// Throws std::runtime_error when the library cannot be set up.
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
