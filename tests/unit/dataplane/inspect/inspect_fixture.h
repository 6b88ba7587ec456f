#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "tests/support/packet_builder.h"

namespace weir::test {

/// A list; a line `!entry` is an allow rule. A rule's id is its line number.
struct ListText {
  std::string name;
  std::vector<std::string> lines;
};

/// A snapshot compiled from lists.
class TestSnapshot {
 public:
  explicit TestSnapshot(const std::vector<ListText>& lists);
  [[nodiscard]] const match::SnapshotView* view() const { return &*view_; }

 private:
  std::vector<std::byte> bytes_;
  std::optional<match::SnapshotView> view_;
};

/// An inspector with its counters, and the requests that it reported, as text:
/// `tls block www.example.com listed 1`, `http pass www.example.com:8080/a?b no_match`.
class TestInspector : public inspect::RequestObserver {
 public:
  explicit TestInspector(inspect::InspectorSettings settings = {});

  inspect::Verdict inspect(const Bytes& frame, const match::SnapshotView* snapshot,
                           inspect::Direction direction = inspect::Direction::from_subscriber,
                           base::Enforcement enforcement = base::Enforcement::enforce);

  /// The requests since the last call.
  std::vector<std::string> take_requests();
  [[nodiscard]] const base::Counters& counters() const { return counters_; }
  [[nodiscard]] const inspect::Inspector& inspector() const { return inspector_; }
  std::chrono::nanoseconds now{std::chrono::seconds(1000)};

  void on_request(const inspect::RequestRecord& record) noexcept override;

 private:
  base::Counters counters_;
  std::vector<std::string> requests_;
  inspect::Inspector inspector_;
};

/// A TCP segment of the connection 10.0.0.1:1234 -> 192.0.2.1:`port`, sequence number 1000, acknowledging
/// 5000.
PacketBuilder segment(std::uint16_t port = 80);
Bytes http_segment(std::string_view payload, std::uint16_t port = 80);

/// The outcome and the answer, as in `drop_blocked http_page`; without an answer only the outcome.
std::string summary(const inspect::Verdict& verdict);

}  // namespace weir::test
