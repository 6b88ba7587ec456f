#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::formats {

/// The bytes of a list, block by block.
class BlockSource {
 public:
  BlockSource() = default;
  virtual ~BlockSource() = default;
  BlockSource(const BlockSource&) = delete;
  BlockSource& operator=(const BlockSource&) = delete;

  /// The next bytes, valid until the next call; empty at the end.
  virtual base::Result<std::string_view> next() = 0;
};

/// Of `bytes` (which outlive the source) the list that they hold: as they are, or unpacked where they begin
/// as gzip does (RFC 1952; members one after the other), a block at a time. Error codes of next(): parse_gzip
/// (damaged), parse_truncated (ends early), parse_too_large (more than `max_bytes` unpacked).
std::unique_ptr<BlockSource> open_blocks(std::string_view bytes, std::size_t max_bytes);

}  // namespace weir::formats
