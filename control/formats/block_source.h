#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::formats {

/// The content of a list, block by block.
class BlockSource {
 public:
  BlockSource() = default;
  virtual ~BlockSource() = default;
  BlockSource(const BlockSource&) = delete;
  BlockSource& operator=(const BlockSource&) = delete;

  /// The next block, valid until the next call. Empty at the end.
  virtual base::Result<std::string_view> next() = 0;
};

/// Reads the list in `bytes`, which must outlive the source: as it is or, if it starts like gzip (RFC 1952,
/// one or more members), unpacked. Error codes of next(): parse_gzip (damaged), parse_truncated (ends early),
/// parse_too_large (more than `max_bytes` unpacked).
std::unique_ptr<BlockSource> open_blocks(std::string_view bytes, std::size_t max_bytes);

/// Passes every block to `take`, until the end or the first error. Error codes: parse_html (the list starts
/// with `<`, as a web page does and no text format), and those of next() and `take`.
base::Status read_blocks(BlockSource& source, const std::function<base::Status(std::string_view)>& take);

}  // namespace weir::formats
