#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::config {

/// An IPv4 (first four bytes) or IPv6 address in network order.
struct HostAddress {
  std::array<std::byte, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const HostAddress&) const = default;
};

/// An interface's address and the length of the network that it is in.
struct InterfaceAddress {
  HostAddress address;
  unsigned prefix_bits = 0;
  bool operator==(const InterfaceAddress&) const = default;
};

/// None where `text` is no address of one host: a group, loopback, unspecified, or nothing at all.
std::optional<HostAddress> read_host_address(std::string_view text);
/// `192.0.2.1/24`, `2001:db8::1/64`.
std::optional<InterfaceAddress> read_interface_address(std::string_view text);

/// Whether `address` is on the link whose interface has `own`.
bool is_on_link(const InterfaceAddress& own, const HostAddress& address);

}  // namespace weir::config
