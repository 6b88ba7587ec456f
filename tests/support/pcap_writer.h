#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>

namespace weir::test {

/// Link types of captures (the numbers of the pcap file format).
enum class PcapLink : std::uint32_t {
  null = 0,
  ethernet = 1,
  raw = 101,
  loop = 108,
  linux_sll = 113,
  linux_sll2 = 276
};

/// Writes a capture file with microsecond timestamps. Throws std::runtime_error if the file cannot be
/// written.
class PcapWriter {
 public:
  explicit PcapWriter(const std::filesystem::path& path, PcapLink link = PcapLink::ethernet);

  /// Adds a packet with a timestamp since the epoch.
  void write(std::span<const std::byte> frame, std::chrono::microseconds time);
  /// Adds a packet one millisecond after the previous one (the first: 1767323045 s, 2026-01-02T03:04:05Z).
  void write(std::span<const std::byte> frame);

 private:
  void integer(std::uint32_t value, std::size_t width);

  std::ofstream file_;
  std::chrono::microseconds next_{std::chrono::seconds(1767323045)};
};

}  // namespace weir::test
