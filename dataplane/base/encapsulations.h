#pragma once

namespace weir::base {

/// The encapsulations that the parser looks into (proto::parse_packet). A packet in one that is switched off
/// is classified by its outer headers.
struct Encapsulations {
  bool vlan = true;      // IEEE 802.1Q, 802.1ad
  bool pppoe = true;     // RFC 2516, session stage
  bool mpls = true;      // RFC 3032: IPv4, IPv6, Ethernet with and without control word (RFC 4448)
  bool gre = true;       // RFC 2784, 2890, 2637: IP, Ethernet (NVGRE, RFC 7637), MPLS, PPP; also over UDP
  bool etherip = true;   // RFC 3378
  bool ip_in_ip = true;  // RFC 2003, 2473, 4213: IPv4 or IPv6 in IPv4 or IPv6
  bool gtp_u = true;     // 3GPP TS 29.281, UDP port 2152
  bool vxlan = true;     // RFC 7348, UDP port 4789
  bool geneve = true;    // RFC 8926, UDP port 6081
  bool operator==(const Encapsulations&) const = default;
};

}  // namespace weir::base
