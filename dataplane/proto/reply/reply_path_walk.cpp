// How ReplyPath finds the layers: a second, stricter walk over the headers that parse_packet() has read. When
// it does not arrive at the same inner header, the packet is not answered.
#include <algorithm>
#include <array>
#include <span>

#include "dataplane/base/byte_reader.h"
#include "dataplane/base/encapsulations.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/tunnels.h"
#include "dataplane/proto/reply/reply_path.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::Encapsulation;

// The tunnels through which a reply can be sent, with the header of the packet copied: nothing in it, such as
// a label, a tunnel id or a key, has a value of its own in the other direction. Where only a field of some
// headers has one, TunnelHeader::same_both_ways tells.
constexpr std::array<Encapsulation, 0> kAnsweredOverLink{};
constexpr std::array kAnsweredOverIp{Encapsulation::ip_in_ip, Encapsulation::gre, Encapsulation::etherip};
constexpr std::array kAnsweredOverUdp{Encapsulation::vxlan};

}  // namespace

class ReplyPath::Walk {
 public:
  explicit Walk(ReplyPath& path) noexcept : path_(path), seen_(*path.seen_) {}

  /// False when no reply can be sent.
  bool run() noexcept {
    Next next = link();
    for (;;) {
      while (next == Next::tunnel) next = tunnel();
      if (is_ip(next) && at_ == seen_.ip_offset) return add_innermost(next);
      if (next == Next::unknown || at_ >= seen_.ip_offset) return false;
      next = step(next);
    }
  }

 private:
  /// The header at `at_`. tunnel: that of `tunnel_`.
  enum class Next : std::uint8_t { unknown, ethernet, llc, ip, ipv4, ipv6, udp, pppoe, ppp, tunnel };

  static bool is_ip(Next next) noexcept {
    return next == Next::ip || next == Next::ipv4 || next == Next::ipv6;
  }
  [[nodiscard]] ByteReader reader() const noexcept { return ByteReader(seen_.frame.subspan(at_)); }

  Next step(Next next) noexcept {
    switch (next) {
      case Next::ethernet:
        return ethernet();
      case Next::llc:
        return llc();
      case Next::ip:
        return reader().u8() >> 4 == 6 ? ipv6() : ipv4();
      case Next::ipv4:
        return ipv4();
      case Next::ipv6:
        return ipv6();
      case Next::udp:
        return udp();
      case Next::pppoe:
        return pppoe();
      case Next::ppp:
        return ppp();
      case Next::tunnel:
      case Next::unknown:
        break;
    }
    return Next::unknown;
  }

  bool add_innermost(Next next) noexcept {
    const bool is_v6 = seen_.source.is_v6;
    if (next == (is_v6 ? Next::ipv4 : Next::ipv6)) return false;
    return path_.add(is_v6 ? Kind::ipv6 : Kind::ipv4, at_, is_v6 ? kIpv6HeaderBytes : kIpv4HeaderBytes);
  }

  // Adds a layer that is as long in the reply as in the packet, and steps over it.
  Next take(Kind kind, std::size_t bytes, Next next) noexcept {
    if (at_ + bytes > seen_.ip_offset || !path_.add(kind, at_, bytes)) return Next::unknown;
    at_ += bytes;
    return next;
  }

  Next link() noexcept {
    constexpr std::size_t kCookedBytes = 16;
    constexpr std::size_t kCooked2Bytes = 20;
    constexpr std::size_t kLoopbackBytes = 4;
    ByteReader in = reader();
    switch (seen_.link) {
      case LinkType::ethernet:
        return Next::ethernet;
      case LinkType::raw_ip:
        return Next::ip;
      case LinkType::linux_sll: {
        in.skip(kCookedBytes - 2);
        const std::uint16_t type = in.u16();
        const Tags tags = read_tags(type, in);
        return take(Kind::copied, kCookedBytes + tags.bytes, tags.next);
      }
      case LinkType::linux_sll2: {
        const std::uint16_t type = in.u16();
        in.skip(kCooked2Bytes - 2);
        const Tags tags = read_tags(type, in);
        return take(Kind::copied, kCooked2Bytes + tags.bytes, tags.next);
      }
      case LinkType::loopback:
        return take(Kind::copied, kLoopbackBytes, Next::ip);
      case LinkType::ppp:
        return Next::ppp;
    }
    return Next::unknown;
  }

  Next of_type(std::uint16_t ethertype) noexcept {
    switch (ethertype) {
      case ether_type::kIpv4:
        return Next::ipv4;
      case ether_type::kIpv6:
        return Next::ipv6;
      case ether_type::kPppoeSession:
        return Next::pppoe;
      case ether_type::kTransparentBridging:
        return Next::ethernet;
      default:
        if (ether_type::is_length(ethertype)) return Next::llc;
        return into(tunnel_over_link(ethertype), kAnsweredOverLink);
    }
  }

  struct Tags {
    std::size_t bytes;
    Next next;  // after them
  };

  // `in` stands after an EtherType.
  Tags read_tags(std::uint16_t type, ByteReader& in) noexcept {
    const std::size_t begin = in.position();
    while (in.ok() && ether_type::tag_bytes(type) != 0) {
      in.skip(ether_type::tag_bytes(type) - 2);
      type = in.u16();
    }
    return {.bytes = in.position() - begin, .next = in.ok() ? of_type(type) : Next::unknown};
  }

  Next ethernet() noexcept {
    ByteReader in = reader();
    in.skip(kEthernetHeaderBytes - 2);
    const std::uint16_t type = in.u16();
    const Tags tags = read_tags(type, in);
    const Kind kind = tags.next == Next::llc ? Kind::ethernet_with_length : Kind::ethernet;
    return take(kind, kEthernetHeaderBytes + tags.bytes, tags.next);
  }

  // IEEE 802.2: the same in both directions.
  Next llc() noexcept {
    constexpr std::size_t kTypeOffset = kSnapHeaderBytes - 2;
    ByteReader in = reader();
    if (in.u8() == llc::kIp) return take(Kind::copied, kLlcHeaderBytes, Next::ipv4);
    in.skip(kTypeOffset - 1);
    return take(Kind::copied, kSnapHeaderBytes, of_type(in.u16()));
  }

  // RFC 2516, 4.
  Next pppoe() noexcept { return take(Kind::pppoe, kPppoeHeaderBytes, Next::ppp); }

  // RFC 1661, 2.
  Next ppp() noexcept {
    ByteReader in = reader();
    std::uint16_t protocol = in.u8();
    if (protocol == 0xff) {
      in.skip(1);
      protocol = in.u8();
    }
    if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | in.u8());
    if (!in.ok()) return Next::unknown;
    const Next next = protocol == ppp_protocol::kIpv4   ? Next::ipv4
                      : protocol == ppp_protocol::kIpv6 ? Next::ipv6
                                                        : Next::unknown;
    return take(Kind::copied, in.position(), next);
  }

  Next into(const Tunnel* tunnel, std::span<const Encapsulation> answered) noexcept {
    tunnel_ = tunnel;
    const bool is_answered = tunnel != nullptr && std::find(answered.begin(), answered.end(),
                                                            tunnel->encapsulation) != answered.end();
    return is_answered ? Next::tunnel : Next::unknown;
  }

  // Steps over the header of tunnel_, which goes into the reply as it is. It may be empty.
  Next tunnel() noexcept {
    const TunnelHeader header = tunnel_->read(seen_.frame.subspan(at_));
    if (!header.same_both_ways) return Next::unknown;
    const Next next = of_content(header);
    return header.bytes == 0 ? next : take(Kind::copied, header.bytes, next);
  }

  Next of_content(const TunnelHeader& header) noexcept {
    switch (header.content) {
      case TunnelContent::ethernet:
        return Next::ethernet;
      case TunnelContent::ethertype:
        return of_type(header.ethertype);
      case TunnelContent::ip:
        return Next::ip;
      case TunnelContent::ipv4:
        return Next::ipv4;
      case TunnelContent::ipv6:
        return Next::ipv6;
      case TunnelContent::ppp:
        return Next::ppp;
      case TunnelContent::mpls:
      case TunnelContent::none:
        break;
    }
    return Next::unknown;
  }

  Next ipv4() noexcept {
    constexpr std::uint8_t kFirstMulticast = 224;
    ByteReader in = reader();
    const std::size_t header_bytes = (in.u8() & 0x0f) * std::size_t{4};
    in.skip(8);
    const std::uint8_t protocol = in.u8();
    in.skip(2);
    const std::uint8_t source = in.u8();
    in.skip(3);
    const std::uint8_t destination = in.u8();
    const bool unicast = source < kFirstMulticast && destination < kFirstMulticast;
    if (!in.ok() || header_bytes < kIpv4HeaderBytes || !unicast) return Next::unknown;
    return take_ip(Kind::ipv4, kIpv4HeaderBytes, header_bytes, protocol);
  }

  // Destination options are skipped: routers add one that limits nesting (RFC 2473, 4.1.1), and no receiver
  // needs it. A fragment header here is that of an atomic fragment: others are not answered.
  Next ipv6() noexcept {
    constexpr std::uint8_t kMulticast = 0xff;
    ByteReader in = reader();
    in.skip(6);
    std::uint8_t protocol = in.u8();
    in.skip(1);
    const std::uint8_t source = in.u8();
    in.skip(15);
    const std::uint8_t destination = in.u8();
    in.skip(15);
    if (source == kMulticast || destination == kMulticast) return Next::unknown;
    while (protocol == ip_protocol::kHopByHop || protocol == ip_protocol::kDestinationOptions ||
           protocol == ip_protocol::kFragment) {
      const bool fragment = protocol == ip_protocol::kFragment;
      protocol = in.u8();
      const std::size_t length = in.u8();
      in.skip(fragment ? 6 : length * 8 + 6);
      if (!in.ok()) return Next::unknown;
    }
    return take_ip(Kind::ipv6, kIpv6HeaderBytes, in.position(), protocol);
  }

  Next take_ip(Kind kind, std::size_t bytes, std::size_t seen_bytes, std::uint8_t protocol) noexcept {
    if (at_ + seen_bytes > seen_.ip_offset || !path_.add(kind, at_, bytes, protocol)) return Next::unknown;
    at_ += seen_bytes;
    return protocol == ip_protocol::kUdp ? Next::udp : into(tunnel_over_ip(protocol), kAnsweredOverIp);
  }

  Next udp() noexcept {
    ByteReader in = reader();
    in.skip(2);
    return take(Kind::udp, kUdpHeaderBytes, into(tunnel_over_udp(in.u16()), kAnsweredOverUdp));
  }

  ReplyPath& path_;
  const PacketView& seen_;
  std::size_t at_ = 0;
  const Tunnel* tunnel_ = nullptr;
};

std::optional<ReplyPath> ReplyPath::of(const PacketView& seen, base::Towards towards) noexcept {
  const bool transport = seen.packet_class == PacketClass::tcp || seen.packet_class == PacketClass::udp;
  if (!transport || !seen.link_kept || seen.ip_offset > seen.frame.size()) return std::nullopt;
  ReplyPath path(seen, towards);
  if (!Walk(path).run()) return std::nullopt;
  return path;
}

}  // namespace weir::proto
