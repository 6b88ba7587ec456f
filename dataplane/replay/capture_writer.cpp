#include "dataplane/replay/capture_writer.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace weir::replay {

CaptureWriter::CaptureWriter(const std::filesystem::path& path, bool nanoseconds)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc), nanoseconds_(nanoseconds) {}

void CaptureWriter::integer(std::uint32_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) file_.put(static_cast<char>(value >> (8 * i) & 0xff));
}

void CaptureWriter::write_header(LinkNumber link) {
  constexpr std::uint32_t kSnapBytes = 262144;
  integer(nanoseconds_ ? 0xa1b23c4d : 0xa1b2c3d4);
  integer(2, 2);
  integer(4, 2);
  integer(0);
  integer(0);
  integer(kSnapBytes);
  integer(link.value);
  link_ = link;
}

void CaptureWriter::write(const CapturePacket& packet) {
  if (!link_) write_header(packet.link);
  if (*link_ != packet.link) {
    ++left_out_;
    return;
  }
  auto seconds = std::chrono::floor<std::chrono::seconds>(packet.time);
  const auto fraction = static_cast<std::uint32_t>((packet.time - seconds).count());
  integer(static_cast<std::uint32_t>(seconds.count()));
  integer(nanoseconds_ ? fraction : fraction / 1000);
  integer(static_cast<std::uint32_t>(packet.frame.size()));
  integer(packet.original_bytes);
  file_.write(reinterpret_cast<const char*>(packet.frame.data()),
              static_cast<std::streamsize>(packet.frame.size()));
}

base::Status CaptureWriter::finish() {
  if (!link_) write_header({1});
  file_.close();
  if (!file_) {
    return base::Error{.code = "write_failed",
                       .message = fmt::format("{}: cannot write: {}", path_.string(), std::strerror(errno))};
  }
  if (left_out_ != 0) {
    return base::Error{.code = "mixed_link_types",
                       .message = fmt::format(
                           "{}: {} packets left out: a pcap file holds only one link type, here the first "
                           "packet's: replay the captures one by one",
                           path_.string(), left_out_)};
  }
  return base::ok_status();
}

}  // namespace weir::replay
