#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// A kind of header around an IP packet that Weir can look into.
enum class Encapsulation : std::uint8_t {
  vlan,      // IEEE 802.1Q, 802.1ad, 802.1BR
  llc,       // IEEE 802.3 with 802.2: SNAP (RFC 1042), IP
  pppoe,     // RFC 2516, session stage
  mpls,      // RFC 3032: IPv4, IPv6, Ethernet with and without control word (RFC 4448); RFC 4023, 7510
  gre,       // RFC 2784, 2890, 2637: IP, Ethernet (NVGRE, RFC 7637), MPLS, PPP; also over UDP
  etherip,   // RFC 3378
  ip_in_ip,  // RFC 2003, 2473, 4213: IPv4 or IPv6 in IPv4 or IPv6
  gtp_u,     // 3GPP TS 29.281
  vxlan,     // RFC 7348
  geneve,    // RFC 8926
  l2tp       // RFC 2661: data messages of version 2
};

/// One row per encapsulation. The setting `dataplane.inspect.encapsulations.NAME` is made from it.
inline constexpr auto kEncapsulations = std::to_array<EnumRow<Encapsulation>>({
    {Encapsulation::vlan, "vlan", "Look inside 802.1Q, 802.1ad and 802.1BR tags, any number of them."},
    {Encapsulation::llc, "llc", "Look inside IEEE 802.3 frames with LLC or SNAP that carry IP."},
    {Encapsulation::pppoe, "pppoe", "Look inside PPPoE sessions."},
    {Encapsulation::mpls, "mpls",
     "Look inside MPLS, also over IP and UDP (port 6635), that carries IPv4, IPv6 or Ethernet (with or "
     "without "
     "a control word)."},
    {Encapsulation::gre, "gre",
     "Look inside GRE, also over UDP (port 4754), that carries IP, Ethernet (NVGRE), MPLS or PPP (PPTP)."},
    {Encapsulation::etherip, "etherip", "Look inside EtherIP."},
    {Encapsulation::ip_in_ip, "ip_in_ip", "Look inside IPv4 and IPv6 tunnels over IPv4 or IPv6."},
    {Encapsulation::gtp_u, "gtp_u", "Look inside GTP-U, UDP port 2152."},
    {Encapsulation::vxlan, "vxlan", "Look inside VXLAN, UDP ports 4789 and 8472."},
    {Encapsulation::geneve, "geneve", "Look inside Geneve, UDP port 6081."},
    {Encapsulation::l2tp, "l2tp", "Look inside L2TPv2, UDP port 1701."},
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

  constexpr bool operator[](Encapsulation which) const noexcept { return enabled_[index_of(which)]; }
  constexpr bool& operator[](Encapsulation which) noexcept { return enabled_[index_of(which)]; }
  bool operator==(const Encapsulations&) const = default;

 private:
  std::array<bool, kEncapsulations.size()> enabled_{};
};

}  // namespace weir::base
