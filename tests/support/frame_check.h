#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weir::test {

/// RFC 1071 checksum as sent on the wire, written for clarity: the reference for the product's own.
std::uint16_t internet_checksum(std::span<const std::byte> bytes);

/// Checks the packet whose IP header begins at `ip_offset`: lengths inside the frame, IPv4 header checksum,
/// TCP or UDP checksum (IPv6 without extension headers). Empty if all is right, else what is wrong.
/// Independent of the parsers under test.
std::string checksum_error(std::span<const std::byte> frame, std::size_t ip_offset);

}  // namespace weir::test
