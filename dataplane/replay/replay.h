#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/result.h"
#include "dataplane/inspect/answer/answer.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/replay/capture_file.h"
#include "dataplane/replay/capture_writer.h"
#include "dataplane/replay/request_printer.h"

namespace weir::replay {

/// A capture in memory. `problem` says where and why reading it stopped early, or is empty.
struct Capture {
  std::string name;
  std::vector<std::byte> bytes;
  std::vector<CapturePacket> packets;
  bool nanoseconds = false;
  std::string problem;
};

/// Reads a whole capture; a broken one as far as it goes. Packets of link types that Weir does not read are
/// left out, and said in `problem`. Error code: file_unreadable.
base::Result<Capture> load_capture(const std::filesystem::path& file);

/// What a run came to.
struct Totals {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t cut_packets = 0;  // of which the capture holds a part only
  std::chrono::nanoseconds inspection_time{0};
};

/// Takes captures through the inspection as one worker of the dataplane would.
class Replay {
 public:
  struct Settings {
    inspect::InspectorSettings inspector;
    base::Enforcement enforcement = base::Enforcement::enforce;
  };
  /// All but `settings` must outlive the object; `snapshot` and `writer` may be null.
  Replay(const Settings& settings, const match::SnapshotView* snapshot, const inspect::BlockPage& page,
         RequestPrinter& printer, CaptureWriter* writer);

  /// One pass over all captures, in order, with fresh flows.
  void run(const std::vector<Capture>& captures);
  /// Further passes are measured and counted alone.
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
  base::Counters counters_;
  Totals totals_;
  std::chrono::nanoseconds writing_time_{0};  // no part of the inspection
};

/// The line that --stats prints: one JSON object.
std::string stats_json(const Replay& replay, const RequestPrinter& printer);

}  // namespace weir::replay
