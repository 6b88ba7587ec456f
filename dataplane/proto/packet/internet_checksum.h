#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::proto {

/// Internet checksum (RFC 1071). checksum_add adds `bytes` to `sum`, so that a checksum can cover several
/// pieces; only the last one may have an odd number of bytes. checksum_finish folds and complements the sum:
/// its result goes on the wire.
std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) noexcept;
std::uint16_t checksum_finish(std::uint32_t sum) noexcept;

}  // namespace weir::proto
