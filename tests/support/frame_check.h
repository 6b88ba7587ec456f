#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weir::test {

/// RFC 1071 checksum as it goes on the wire, written for clarity: the referee of the product's own.
std::uint16_t internet_checksum(std::span<const std::byte> bytes);

/// Looks at the packet that begins with an IP header at `ip_offset`: lengths within the frame, IPv4 header
/// checksum, TCP or UDP checksum (IPv6 without extension headers). Empty when all is right, else what is not.
/// Independent of the parsers under test.
std::string checksum_error(std::span<const std::byte> frame, std::size_t ip_offset);

}  // namespace weir::test
