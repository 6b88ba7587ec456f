#include "tests/scenario/capture_read.h"

#include <cstring>
#include <stdexcept>

#include "tests/scenario/lab.h"

namespace weir::scenario {

Recorded read_capture(const std::filesystem::path& file) {
  const std::string bytes = read_text(file);
  const auto u32 = [&](std::size_t offset) {
    std::uint32_t value = 0;
    if (offset + sizeof value > bytes.size()) throw std::runtime_error(file.string() + ": cut short");
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  };
  if (u32(0) != 0xa1b2c3d4 && u32(0) != 0xa1b23c4d)
    throw std::runtime_error(file.string() + ": no pcap file");
  Recorded recorded;
  recorded.link = u32(20);
  std::size_t offset = 24;
  while (offset < bytes.size()) {
    const std::size_t length = u32(offset + 8);
    offset += 16;
    if (offset + length > bytes.size()) throw std::runtime_error(file.string() + ": cut short");
    recorded.frames.push_back(test::to_bytes(std::string_view(bytes).substr(offset, length)));
    offset += length;
  }
  return recorded;
}

}  // namespace weir::scenario
