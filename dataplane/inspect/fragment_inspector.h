#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/flow/fragment_table.h"
#include "dataplane/inspect/decision/inspector_settings.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Reassembles IP fragments so that the whole packet is inspected like any other, and applies the decision on
/// the whole packet to its fragments. Fragments are never held back and never altered. Not thread safe.
class FragmentInspector {
 public:
  FragmentInspector(const InspectorSettings& settings, base::Counters& counters);

  /// How deep fragments of fragments are followed, counting the outer ones. Honest traffic needs no more: a
  /// tunnel whose packets exceed the path's MTU, carrying packets that exceeded the tunnel's.
  static constexpr std::size_t kLevels = 3;

  /// The packets that the last fragment completed, innermost last.
  struct Completed {
    std::array<flow::FragmentedPacket, kLevels> packets{};
    std::size_t count = 0;
  };

  /// The result of take(): a verdict, or the whole packet that the fragment completed. The whole packet is
  /// never of class fragment; decide it, then call conclude() or hold(). It is valid until the next take().
  struct Taken {
    const proto::PacketView* whole = nullptr;
    Verdict verdict;  // if `whole` is null
  };
  Taken take(const proto::PacketView& fragment, std::chrono::nanoseconds now,
             Enforcement enforcement) noexcept;

  /// Turns the verdict on the whole packet into the verdict on the fragment that completed it.
  Verdict conclude(Verdict verdict) noexcept;

  /// Instead of conclude(), if another worker decides the whole packet. Until settle(), further fragments of
  /// it are dropped: otherwise a copy of the last fragment could overtake the decision.
  Completed hold() noexcept;
  /// Records the decision: whether the whole packet was dropped.
  void settle(const Completed& completed, bool dropped) noexcept;

  /// Packets whose fragments are in the table.
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
  Completed completed_{};  // by the current fragment
};

}  // namespace weir::inspect
