#include "config/addresses.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <arpa/inet.h>

namespace weir::config {
namespace {

constexpr unsigned kBitsV4 = 32;
constexpr unsigned kBitsV6 = 128;

unsigned byte_of(const HostAddress& address, std::size_t index) {
  return std::to_integer<unsigned>(address.bytes[index]);
}

bool is_of_one_host(const HostAddress& address) {
  constexpr unsigned kLoopback = 127;
  constexpr unsigned kFirstGroupV4 = 224;
  constexpr unsigned kGroupV6 = 0xff;
  const unsigned first = byte_of(address, 0);
  if (!address.is_v6) return first != 0 && first != kLoopback && first < kFirstGroupV4;
  const bool only_last = std::all_of(address.bytes.begin(), address.bytes.end() - 1,
                                     [](std::byte b) { return b == std::byte{0}; });
  return first != kGroupV6 && !(only_last && byte_of(address, address.bytes.size() - 1) <= 1);
}

}  // namespace

std::optional<HostAddress> read_host_address(std::string_view text) {
  HostAddress address{.bytes = {}, .is_v6 = text.find(':') != std::string_view::npos};
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  if (!is_of_one_host(address)) return std::nullopt;
  return address;
}

std::optional<InterfaceAddress> read_interface_address(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = read_host_address(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, bits);
  const bool is_number = error == std::errc() && stop == end && (digits == "0" || digits.front() != '0');
  if (!address || !is_number || bits < 1 || bits > (address->is_v6 ? kBitsV6 : kBitsV4)) return std::nullopt;
  return InterfaceAddress{.address = *address, .prefix_bits = bits};
}

bool is_on_link(const InterfaceAddress& own, const HostAddress& address) {
  if (own.address.is_v6 != address.is_v6) return false;
  for (unsigned bit = 0; bit < own.prefix_bits; bit += 8) {
    const unsigned left = std::min(own.prefix_bits - bit, 8U);
    const unsigned mask = 0xff00U >> left & 0xffU;
    if (((byte_of(own.address, bit / 8) ^ byte_of(address, bit / 8)) & mask) != 0) return false;
  }
  return true;
}

}  // namespace weir::config
