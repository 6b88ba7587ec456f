#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "tests/support/bytes.h"

namespace weir::scenario {

struct Recorded {
  std::uint32_t link = 0;
  std::vector<test::Bytes> frames;
};

/// Reads a pcap file in this machine's byte order, independently of the reader under test. Throws
/// std::runtime_error for any other file.
Recorded read_capture(const std::filesystem::path& file);

}  // namespace weir::scenario
