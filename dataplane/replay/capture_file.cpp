#include "dataplane/replay/capture_file.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace weir::replay {
namespace {

constexpr std::uint32_t kPcapMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kPcapNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kSectionBlock = 0x0a0d0d0a;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::size_t kPcapHeaderBytes = 24;
constexpr std::size_t kPcapRecordBytes = 16;
constexpr std::size_t kBlockOverheadBytes = 12;  // type, length, length again
/// As in libpcap: a larger length is damage, not a packet.
constexpr std::uint32_t kMaxFrameBytes = 262144;

std::uint32_t read_integer(std::span<const std::byte> from, std::size_t at, std::size_t width,
                           bool little_endian) {
  std::uint32_t value = 0;
  if (at > from.size() || width > from.size() - at) return 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t index = little_endian ? width - 1 - i : i;
    value = value << 8 | std::to_integer<std::uint32_t>(from[at + index]);
  }
  return value;
}

/// Converts a time in an interface's units to nanoseconds since the epoch. A time out of range becomes the
/// nearest one in range.
std::chrono::nanoseconds to_time(std::uint64_t units, std::uint8_t resolution, std::int64_t offset_seconds) {
  const unsigned exponent = resolution & 0x7FU;
  long double seconds_in_unit = 1;
  for (unsigned i = 0; i < exponent; ++i) seconds_in_unit /= (resolution & 0x80U) != 0 ? 2 : 10;
  constexpr std::int64_t kBillion = 1'000'000'000;
  if (resolution <= 9) {  // exact, if possible
    std::uint64_t per_second = 1;
    for (unsigned i = 0; i < exponent; ++i) per_second *= 10;
    const std::uint64_t seconds = units / per_second;
    const std::uint64_t rest = units % per_second * (std::uint64_t{kBillion} / per_second);
    constexpr auto kLimit =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / kBillion - 1);
    if (seconds < kLimit && offset_seconds > -static_cast<std::int64_t>(kLimit) &&
        offset_seconds < static_cast<std::int64_t>(kLimit - seconds)) {
      return std::chrono::nanoseconds((static_cast<std::int64_t>(seconds) + offset_seconds) * kBillion +
                                      static_cast<std::int64_t>(rest));
    }
  }
  const long double nanoseconds =
      (static_cast<long double>(units) * seconds_in_unit + static_cast<long double>(offset_seconds)) *
      kBillion;
  constexpr long double kMax = 9.2e18L;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::clamp(nanoseconds, -kMax, kMax)));
}

}  // namespace

std::optional<proto::LinkType> link_type_of(LinkNumber number) noexcept {
  switch (number.value) {
    case 1:
      return proto::LinkType::ethernet;
    case 12:  // raw IP on some systems
    case 14:
    case 101:  // LINKTYPE_RAW
    case 228:  // LINKTYPE_IPV4
    case 229:  // LINKTYPE_IPV6
      return proto::LinkType::raw_ip;
    case 113:
      return proto::LinkType::linux_sll;
    case 276:
      return proto::LinkType::linux_sll2;
    case 0:
    case 108:
      return proto::LinkType::loopback;
    case 9:   // LINKTYPE_PPP: with or without address and control
    case 50:  // LINKTYPE_PPP_HDLC: with address and control
      return proto::LinkType::ppp;
    default:
      return std::nullopt;
  }
}

CaptureReader::CaptureReader(std::span<const std::byte> file) : file_(file) {
  const std::uint32_t little = read_integer(file, 0, 4, true);
  const std::uint32_t big = read_integer(file, 0, 4, false);
  if (file.size() >= 4 && little == kSectionBlock) {
    is_pcapng_ = true;
    return;
  }
  little_endian_ = little == kPcapMicroseconds || little == kPcapNanoseconds;
  if (!little_endian_ && big != kPcapMicroseconds && big != kPcapNanoseconds) {
    const bool gzip = file.size() >= 2 && little % 0x10000 == 0x8b1f;
    last_ = broken(0, gzip ? "compressed with gzip: unpack it first (gunzip)" : "neither pcap nor pcapng");
    return;
  }
  if (file.size() < kPcapHeaderBytes) {
    last_ = broken(0, "file header cut short");
    return;
  }
  nanoseconds_ = integer(file, 0, 4) == kPcapNanoseconds;
  link_.value = integer(file, 20, 4) & 0x0fffffff;  // the upper bits tell whether frames end with a checksum
  offset_ = kPcapHeaderBytes;
}

std::uint32_t CaptureReader::integer(std::span<const std::byte> from, std::size_t at,
                                     std::size_t width) const {
  return read_integer(from, at, width, little_endian_);
}

CaptureStatus CaptureReader::next(CapturePacket& packet) {
  if (last_ == CaptureStatus::packet) last_ = is_pcapng_ ? next_pcapng(packet) : next_pcap(packet);
  return last_;
}

CaptureStatus CaptureReader::broken(std::size_t offset, std::string problem) {
  offset_ = offset;
  problem_ = std::move(problem);
  return CaptureStatus::broken;
}

CaptureStatus CaptureReader::next_pcap(CapturePacket& packet) {
  const auto rest = file_.subspan(offset_);
  if (rest.empty()) return CaptureStatus::end;
  if (rest.size() < kPcapRecordBytes) return broken(offset_, "packet header cut short");
  const std::uint32_t captured = integer(rest, 8, 4);
  if (captured > kMaxFrameBytes) {
    return broken(offset_, fmt::format("packet of {} bytes, at most {} expected", captured, kMaxFrameBytes));
  }
  if (captured > rest.size() - kPcapRecordBytes) return broken(offset_, "packet cut short");
  const std::int64_t fraction = integer(rest, 4, 4);
  packet.time = std::chrono::seconds(integer(rest, 0, 4)) +
                std::chrono::nanoseconds(nanoseconds_ ? fraction : fraction * 1000);
  packet.original_bytes = std::max(integer(rest, 12, 4), captured);
  packet.frame = rest.subspan(kPcapRecordBytes, captured);
  packet.link = link_;
  offset_ += kPcapRecordBytes + captured;
  return CaptureStatus::packet;
}

CaptureStatus CaptureReader::next_pcapng(CapturePacket& packet) {
  constexpr std::uint32_t kInterface = 1;
  constexpr std::uint32_t kObsoletePacket = 2;
  constexpr std::uint32_t kSimplePacket = 3;
  constexpr std::uint32_t kEnhancedPacket = 6;
  for (;;) {
    const auto rest = file_.subspan(offset_);
    if (rest.empty()) return CaptureStatus::end;
    if (rest.size() < kBlockOverheadBytes) return broken(offset_, "block header cut short");
    // The type of a section header is the same in both byte orders; the next field tells the order.
    const bool section = read_integer(rest, 0, 4, true) == kSectionBlock;
    if (section) {
      little_endian_ = read_integer(rest, 8, 4, true) == kByteOrderMagic;
      if (integer(rest, 8, 4) != kByteOrderMagic) return broken(offset_, "section without byte-order magic");
    }
    const std::uint32_t type = integer(rest, 0, 4);
    const std::uint32_t block_bytes = integer(rest, 4, 4);
    if (block_bytes < kBlockOverheadBytes || block_bytes % 4 != 0) {
      return broken(offset_, fmt::format("block length {}", block_bytes));
    }
    if (block_bytes > rest.size()) return broken(offset_, "block cut short");
    const auto body = rest.subspan(8, block_bytes - kBlockOverheadBytes);
    bool good = true;
    bool is_packet = false;
    if (section) {
      good = read_section(body);
    } else if (type == kInterface) {
      good = read_interface(body);
    } else if (type == kEnhancedPacket || type == kObsoletePacket) {
      good = is_packet = read_enhanced(body, type == kObsoletePacket, packet);
    } else if (type == kSimplePacket) {
      good = is_packet = read_simple(body, packet);
    }
    if (!good) return broken(offset_, problem_);
    offset_ += block_bytes;
    if (is_packet) return CaptureStatus::packet;
  }
}

bool CaptureReader::reject(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool CaptureReader::read_section(std::span<const std::byte> body) {
  constexpr std::size_t kBodyBytes = 16;
  interfaces_.clear();
  if (body.size() < kBodyBytes) return reject("section header cut short");
  if (integer(body, 4, 2) != 1) return reject("pcapng version is not 1");
  return true;
}

bool CaptureReader::read_interface(std::span<const std::byte> body) {
  constexpr std::size_t kBodyBytes = 8;
  constexpr std::uint32_t kResolution = 9;
  constexpr std::uint32_t kOffset = 14;
  if (body.size() < kBodyBytes) return reject("interface description cut short");
  Interface interface { .link = {integer(body, 0, 2)}, .snap_bytes = integer(body, 4, 4) };
  for (auto options = body.subspan(kBodyBytes); options.size() >= 4;) {
    const std::uint32_t code = integer(options, 0, 2);
    const std::size_t bytes = integer(options, 2, 2);
    const std::size_t padded = (bytes + 3) / 4 * 4;
    if (code == 0 || padded > options.size() - 4) break;
    if (code == kResolution && bytes == 1) interface.resolution = std::to_integer<std::uint8_t>(options[4]);
    if (code == kOffset && bytes == 8) {
      const std::uint64_t first = integer(options, 4, 4);
      const std::uint64_t second = integer(options, 8, 4);
      interface.offset_seconds =
          static_cast<std::int64_t>(little_endian_ ? second << 32 | first : first << 32 | second);
    }
    options = options.subspan(4 + padded);
  }
  if ((interface.resolution & 0x80U) != 0 || interface.resolution > 6) nanoseconds_ = true;
  interfaces_.push_back(interface);
  return true;
}

bool CaptureReader::read_enhanced(std::span<const std::byte> body, bool obsolete, CapturePacket& packet) {
  constexpr std::size_t kHeaderBytes = 20;
  if (body.size() < kHeaderBytes) return reject("packet block cut short");
  const std::uint32_t index = integer(body, 0, obsolete ? 2 : 4);
  const std::uint32_t captured = integer(body, 12, 4);
  if (index >= interfaces_.size()) {
    return reject(fmt::format("packet of interface {}, which has no description", index));
  }
  if (captured > body.size() - kHeaderBytes || captured > kMaxFrameBytes) {
    return reject(fmt::format("packet of {} bytes does not fit its block", captured));
  }
  const Interface& interface = interfaces_[index];
  const std::uint64_t units = std::uint64_t{integer(body, 4, 4)} << 32 | integer(body, 8, 4);
  packet.time = to_time(units, interface.resolution, interface.offset_seconds);
  packet.original_bytes = std::max(integer(body, 16, 4), captured);
  packet.frame = body.subspan(kHeaderBytes, captured);
  packet.link = interface.link;
  return true;
}

bool CaptureReader::read_simple(std::span<const std::byte> body, CapturePacket& packet) {
  if (body.size() < 4) return reject("packet block cut short");
  if (interfaces_.empty()) return reject("packet before any interface description");
  const Interface& interface = interfaces_.front();
  packet.time = {};  // a simple packet block has no time
  packet.original_bytes = integer(body, 0, 4);
  std::size_t captured = std::min<std::size_t>(packet.original_bytes, body.size() - 4);
  if (interface.snap_bytes != 0) captured = std::min<std::size_t>(captured, interface.snap_bytes);
  if (captured > kMaxFrameBytes) {
    return reject(fmt::format("packet of {} bytes, at most {} expected", captured, kMaxFrameBytes));
  }
  packet.frame = body.subspan(4, captured);
  packet.link = interface.link;
  return true;
}

}  // namespace weir::replay
