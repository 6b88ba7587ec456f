#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::replay {

/// The number of a link type in pcap and pcapng files (a LINKTYPE_ value).
struct LinkNumber {
  std::uint32_t value = 0;
  auto operator<=>(const LinkNumber&) const = default;
};

/// The dataplane's name for a link type; none: Weir does not read it.
std::optional<proto::LinkType> link_type_of(LinkNumber number) noexcept;

struct CapturePacket {
  std::chrono::nanoseconds time{0};  // since the epoch
  std::span<const std::byte> frame{};
  std::uint32_t original_bytes = 0;  // larger than the frame if the capture cut it
  LinkNumber link{};
};

enum class CaptureStatus : std::uint8_t { packet, end, broken };

/// Reads the packets of a pcap file (micro- or nanoseconds, either byte order) or a pcapng file (any number
/// of sections and interfaces with different byte orders, resolutions and link types; enhanced, simple and
/// obsolete packet blocks). Accepts any bytes. Frames point into `file`, which must outlive the reader.
class CaptureReader {
 public:
  explicit CaptureReader(std::span<const std::byte> file);

  /// Reads the next packet. After end or broken, every call returns the same.
  CaptureStatus next(CapturePacket& packet);

  /// After next() returned broken: where reading stopped, and why.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  /// The file may contain times finer than a microsecond.
  [[nodiscard]] bool nanoseconds() const noexcept { return nanoseconds_; }

 private:
  struct Interface {
    LinkNumber link;
    std::uint32_t snap_bytes = 0;  // 0: no limit
    std::uint8_t resolution = 6;   // if_tsresol: decimal exponent, or with bit 7 a binary one
    std::int64_t offset_seconds = 0;
  };

  CaptureStatus next_pcap(CapturePacket& packet);
  CaptureStatus next_pcapng(CapturePacket& packet);
  CaptureStatus broken(std::size_t offset, std::string problem);
  /// Sets the problem; always false.
  bool reject(std::string problem);
  // These return false, and set the problem, if the block is broken.
  bool read_section(std::span<const std::byte> body);
  bool read_interface(std::span<const std::byte> body);
  bool read_enhanced(std::span<const std::byte> body, bool obsolete, CapturePacket& packet);
  bool read_simple(std::span<const std::byte> body, CapturePacket& packet);
  [[nodiscard]] std::uint32_t integer(std::span<const std::byte> from, std::size_t at,
                                      std::size_t width) const;

  std::span<const std::byte> file_;
  std::size_t offset_ = 0;
  std::string problem_;
  std::vector<Interface> interfaces_;
  CaptureStatus last_ = CaptureStatus::packet;
  bool is_pcapng_ = false;
  bool little_endian_ = true;
  bool nanoseconds_ = false;
  LinkNumber link_;
};

}  // namespace weir::replay
