#include "tests/support/pcap_writer.h"

#include <stdexcept>

namespace weir::test {

PcapWriter::PcapWriter(const std::filesystem::path& path, PcapLink link) : file_(path, std::ios::binary) {
  if (!file_) throw std::runtime_error("cannot write " + path.string());
  integer(0xa1b2c3d4, 4);
  integer(2, 2);
  integer(4, 2);
  integer(0, 4);  // time zone
  integer(0, 4);  // accuracy
  integer(262144, 4);
  integer(static_cast<std::uint32_t>(link), 4);
}

void PcapWriter::write(std::span<const std::byte> frame, std::chrono::microseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  integer(static_cast<std::uint32_t>(seconds.count()), 4);
  integer(static_cast<std::uint32_t>((time - seconds).count()), 4);
  integer(static_cast<std::uint32_t>(frame.size()), 4);
  integer(static_cast<std::uint32_t>(frame.size()), 4);
  file_.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  file_.flush();
  if (!file_) throw std::runtime_error("cannot write the capture");
  next_ = time + std::chrono::milliseconds(1);
}

void PcapWriter::write(std::span<const std::byte> frame) { write(frame, next_); }

// Little endian on every machine: readers follow the magic number.
void PcapWriter::integer(std::uint32_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) file_.put(static_cast<char>(value >> (8 * i)));
}

}  // namespace weir::test
