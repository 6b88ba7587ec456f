#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::base {

/// A kind of header around an IP packet that Weir can look into.
enum class Encapsulation : std::uint8_t { vlan, pppoe, mpls, gre, etherip, ip_in_ip, gtp_u, vxlan, geneve };

struct EncapsulationRow {
  Encapsulation value;
  std::string_view name;
  std::string_view help;
};

/// One row per encapsulation. The setting `dataplane.inspect.encapsulations.NAME` is made from it.
inline constexpr std::array<EncapsulationRow, 9> kEncapsulations{{
    {.value = Encapsulation::vlan,
     .name = "vlan",
     .help = "Look into 802.1Q and 802.1ad tags, any number of them."},
    {.value = Encapsulation::pppoe, .name = "pppoe", .help = "Look into PPPoE sessions."},
    {.value = Encapsulation::mpls,
     .name = "mpls",
     .help = "Look into MPLS: IPv4, IPv6 or Ethernet after the labels, with or without a control word."},
    {.value = Encapsulation::gre,
     .name = "gre",
     .help = "Look into GRE with IP, Ethernet (NVGRE), MPLS or PPP (PPTP) inside, and GRE in UDP (port "
             "4754)."},
    {.value = Encapsulation::etherip, .name = "etherip", .help = "Look into EtherIP."},
    {.value = Encapsulation::ip_in_ip,
     .name = "ip_in_ip",
     .help = "Look into IPv4 and IPv6 packets that are carried directly in IPv4 or IPv6."},
    {.value = Encapsulation::gtp_u, .name = "gtp_u", .help = "Look into GTP-U, UDP port 2152."},
    {.value = Encapsulation::vxlan, .name = "vxlan", .help = "Look into VXLAN, UDP port 4789."},
    {.value = Encapsulation::geneve, .name = "geneve", .help = "Look into Geneve, UDP port 6081."},
}};

static_assert(
    [] {
      for (std::size_t i = 0; i < kEncapsulations.size(); ++i) {
        if (kEncapsulations[i].value != static_cast<Encapsulation>(i)) return false;
      }
      return true;
    }(),
    "rows stand in the order of the enum");
static_assert(kEncapsulations.back().value == Encapsulation::geneve, "the last value has a row");

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
