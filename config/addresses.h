#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::config {

/// An IPv4 address (in the first four bytes) or an IPv6 address, in network order.
struct HostAddress {
  std::array<std::byte, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const HostAddress&) const = default;
};

/// The address of an interface with its prefix length.
struct InterfaceAddress {
  HostAddress address;
  unsigned prefix_bits = 0;
  bool operator==(const InterfaceAddress&) const = default;
};

/// nullopt if `text` is not a unicast address. Loopback and unspecified addresses are refused, too.
std::optional<HostAddress> read_host_address(std::string_view text);
/// `192.0.2.1/24`, `2001:db8::1/64`.
std::optional<InterfaceAddress> read_interface_address(std::string_view text);

/// Whether `address` is in the network of the interface `own`.
bool is_on_link(const InterfaceAddress& own, const HostAddress& address);

}  // namespace weir::config
