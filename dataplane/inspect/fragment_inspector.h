#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/flow/fragment_table.h"
#include "dataplane/inspect/decision/inspector_settings.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Makes whole packets of IP fragments, so that they are inspected like any other, and lets the decision on
/// the whole hold for its fragments. The fragments themselves are never held back or altered. Not thread
/// safe.
class FragmentInspector {
 public:
  FragmentInspector(const InspectorSettings& settings, base::Counters& counters);

  /// Fragments of fragments, the first level included: a tunnel whose packets are too large for the path,
  /// that carries packets that were too large for the tunnel. No more than that occurs in honest use.
  static constexpr std::size_t kLevels = 3;

  /// The packets that the last fragment completed, each around the next.
  struct Completed {
    std::array<flow::FragmentedPacket, kLevels> packets{};
    std::size_t count = 0;
  };

  /// What a fragment comes to: a verdict, or the whole packet (never of class fragment) that it completes, on
  /// which conclude() is to be called next. The packet is valid until the next call of take().
  struct Taken {
    const proto::PacketView* whole = nullptr;
    Verdict verdict;  // when there is no whole packet
  };
  Taken take(const proto::PacketView& fragment, std::chrono::nanoseconds now,
             Enforcement enforcement) noexcept;

  /// The verdict on the whole packet as that on the fragment which completed it.
  Verdict conclude(Verdict verdict) noexcept;

  /// Instead of conclude(): the whole packet is decided elsewhere. Until settle(), what comes for it is
  /// dropped, else a copy of the last fragment would overtake the decision.
  Completed hold() noexcept;
  /// The decision: whether the whole packet was dropped.
  void settle(const Completed& completed, bool dropped) noexcept;

  /// Packets whose fragments are remembered.
  [[nodiscard]] std::size_t packets() const noexcept { return table_.size(); }

 private:
  [[nodiscard]] bool is_tracked(const proto::PacketView& fragment) const noexcept;
  [[nodiscard]] flow::FragmentStart start_of(const proto::PacketView& fragment) const noexcept;
  Verdict refuse(base::Outcome outcome) noexcept;

  base::Encapsulations encapsulations_;
  PortSet quic_ports_;
  bool inspect_quic_;
  base::Counters& counters_;
  flow::FragmentTable table_;
  std::array<std::vector<std::byte>, kLevels> buffers_;
  std::array<proto::PacketView, kLevels> wholes_{};
  Completed completed_{};  // by the fragment at hand
};

}  // namespace weir::inspect
