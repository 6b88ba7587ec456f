#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// A kind of header around an IP packet that Weir can look into.
enum class Encapsulation : std::uint8_t { vlan, pppoe, mpls, gre, etherip, ip_in_ip, gtp_u, vxlan, geneve };

/// One row per encapsulation. The setting `dataplane.inspect.encapsulations.NAME` is made from it.
inline constexpr auto kEncapsulations = std::to_array<EnumRow<Encapsulation>>({
    {Encapsulation::vlan, "vlan", "Look into 802.1Q and 802.1ad tags, any number of them."},
    {Encapsulation::pppoe, "pppoe", "Look into PPPoE sessions."},
    {Encapsulation::mpls, "mpls",
     "Look into MPLS: IPv4, IPv6 or Ethernet after the labels, with or without a control word."},
    {Encapsulation::gre, "gre",
     "Look into GRE with IP, Ethernet (NVGRE), MPLS or PPP (PPTP) inside, and GRE in UDP (port "
     "4754)."},
    {Encapsulation::etherip, "etherip", "Look into EtherIP."},
    {Encapsulation::ip_in_ip, "ip_in_ip",
     "Look into IPv4 and IPv6 packets that are carried directly in IPv4 or IPv6."},
    {Encapsulation::gtp_u, "gtp_u", "Look into GTP-U, UDP port 2152."},
    {Encapsulation::vxlan, "vxlan", "Look into VXLAN, UDP port 4789."},
    {Encapsulation::geneve, "geneve", "Look into Geneve, UDP port 6081."},
});
static_assert(names_every_value<kEncapsulations>(),
              "kEncapsulations: one row for each Encapsulation, in the order of the enum");

/// The encapsulations that are looked into. A packet in any other one is classified by its outer headers.
class Encapsulations {
 public:
  /// All of them.
  constexpr Encapsulations() noexcept { enabled_.fill(true); }
  static constexpr Encapsulations none() noexcept {
    Encapsulations set;
    set.enabled_.fill(false);
    return set;
  }
  static constexpr Encapsulations all_but(Encapsulation without) noexcept {
    Encapsulations set;
    set[without] = false;
    return set;
  }

  constexpr bool operator[](Encapsulation which) const noexcept {
    return enabled_[static_cast<std::size_t>(which)];
  }
  constexpr bool& operator[](Encapsulation which) noexcept {
    return enabled_[static_cast<std::size_t>(which)];
  }
  bool operator==(const Encapsulations&) const = default;

 private:
  std::array<bool, kEncapsulations.size()> enabled_{};
};

}  // namespace weir::base
