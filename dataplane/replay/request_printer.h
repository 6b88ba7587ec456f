#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "dataplane/base/request.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::replay {

/// `2026-01-02T03:04:05.000006Z`.
std::string format_time(std::chrono::nanoseconds since_epoch);
/// Dotted decimal, or RFC 5952 without brackets.
std::string format_address(const proto::IpAddress& address);

/// Prints one line per inspected request and counts the reasons of their verdicts.
class RequestPrinter : public inspect::RequestObserver {
 public:
  struct Settings {
    bool json = false;
    bool passed_too = false;  // false: only blocked requests
    bool name_file = false;   // for several captures
  };
  /// `snapshot` supplies the names of the lists and may be null. It and `out` must outlive the printer.
  RequestPrinter(Settings settings, std::ostream& out, const match::SnapshotView* snapshot)
      : settings_(settings), out_(out), snapshot_(snapshot) {}

  /// Sets the packet that the next requests belong to. `file` must outlive them.
  void at(const std::string& file, std::uint64_t packet_number, std::chrono::nanoseconds time) {
    file_ = &file;
    packet_number_ = packet_number;
    time_ = time;
  }
  void mute() { muted_ = true; }

  void on_request(const inspect::RequestRecord& record) noexcept override;

  [[nodiscard]] std::uint64_t count(base::Reason reason) const { return reasons_[base::index_of(reason)]; }
  /// Time spent on printing, which does not count as inspection.
  [[nodiscard]] std::chrono::nanoseconds printing_time() const { return printing_time_; }

 private:
  [[nodiscard]] std::string json_line(const inspect::RequestRecord& record) const;
  [[nodiscard]] std::string human_line(const inspect::RequestRecord& record) const;

  Settings settings_;
  std::ostream& out_;
  const match::SnapshotView* snapshot_;
  const std::string* file_ = nullptr;
  std::uint64_t packet_number_ = 0;
  std::chrono::nanoseconds time_{0};
  std::chrono::nanoseconds printing_time_{0};
  bool muted_ = false;
  std::array<std::uint64_t, base::kReasons.size()> reasons_{};
};

}  // namespace weir::replay
