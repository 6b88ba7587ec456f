#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/replay/capture_file.h"

namespace weir::replay {

/// Writes a pcap file of one link type. Errors are kept until finish().
class CaptureWriter {
 public:
  /// `nanoseconds`: use the variant of the format with nanosecond times.
  CaptureWriter(const std::filesystem::path& path, bool nanoseconds);

  void write(const CapturePacket& packet);

  /// Flushes. Error codes: write_failed; mixed_link_types (packets of a second link type were left out).
  base::Status finish();

 private:
  void integer(std::uint32_t value, std::size_t width = 4);
  void write_header(LinkNumber link);

  std::filesystem::path path_;
  std::ofstream file_;
  std::optional<LinkNumber> link_;
  std::uint64_t left_out_ = 0;
  bool nanoseconds_;
};

}  // namespace weir::replay
