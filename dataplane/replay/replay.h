#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/enforcement.h"
#include "dataplane/base/result.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/answer/answer.h"
#include "dataplane/inspect/answer/answer_budget.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/replay/capture_file.h"
#include "dataplane/replay/capture_writer.h"
#include "dataplane/replay/request_printer.h"

namespace weir::replay {

/// A capture in memory.
struct Capture {
  std::string name;
  std::vector<std::byte> bytes;
  std::vector<CapturePacket> packets;
  bool nanoseconds = false;
  std::vector<std::string> problems;  // messages: where reading stopped early, what was left out
};

/// Reads a whole capture, or a broken one up to the damage. Packets of link types that Weir does not read are
/// left out. Error code: file_unreadable.
base::Result<Capture> load_capture(const std::filesystem::path& file);

/// The totals of a run.
struct Totals {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t cut_packets = 0;  // packets of which the capture has only a part
  std::chrono::nanoseconds inspection_time{0};
};

/// Inspects captures in the same way as one worker of the dataplane.
class Replay {
 public:
  struct Settings {
    inspect::InspectorSettings inspector;
    base::Enforcement enforcement = base::Enforcement::enforce;
  };
  /// All arguments but `settings` must outlive the object. `snapshot` and `writer` may be null.
  Replay(const Settings& settings, const match::SnapshotView* snapshot, const inspect::BlockPage& page,
         RequestPrinter& printer, CaptureWriter* writer);

  /// One pass over all captures, in order, with an empty flow table.
  void run(const std::vector<Capture>& captures);
  /// Further passes only measure and count.
  void stop_writing() noexcept { writer_ = nullptr; }

  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  [[nodiscard]] const base::Counters& counters() const noexcept { return counters_; }

 private:
  void replay_packet(inspect::Inspector& inspector, const CapturePacket& packet);
  void write(const CapturePacket& packet);
  void send_answers(const proto::PacketView& view, const inspect::Verdict& verdict,
                    const CapturePacket& packet);

  Settings settings_;
  const match::SnapshotView* snapshot_;
  const inspect::BlockPage& page_;
  RequestPrinter& printer_;
  CaptureWriter* writer_;
  inspect::AnswerBudget budget_;
  base::Counters counters_;
  Totals totals_;
  std::chrono::nanoseconds writing_time_{0};  // not counted as inspection
};

/// What --stats prints: one JSON object in one line.
std::string stats_json(const Replay& replay, const RequestPrinter& printer);

}  // namespace weir::replay
