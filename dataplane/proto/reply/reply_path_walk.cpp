// How ReplyPath finds the layers: a second, stricter walk over headers that parse_packet() has been through.
// It leaves a packet unanswered where it does not come to the same inner header.
#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/reply/reply_path.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::size_t kVxlanBytes = 8;

}  // namespace

class ReplyPath::Walk {
 public:
  explicit Walk(ReplyPath& path) noexcept : path_(path), seen_(*path.seen_) {}

  /// False when the way is not known.
  bool run() noexcept {
    Next next = link();
    for (;;) {
      if (is_ip(next) && at_ == seen_.ip_offset) return add_innermost(next);
      if (at_ >= seen_.ip_offset) return false;
      next = step(next);
      if (next == Next::unknown) return false;
    }
  }

 private:
  enum class Next : std::uint8_t { unknown, ethernet, ip, ipv4, ipv6, gre, etherip, udp, pppoe };

  static bool is_ip(Next next) noexcept {
    return next == Next::ip || next == Next::ipv4 || next == Next::ipv6;
  }
  [[nodiscard]] ByteReader reader() const noexcept { return ByteReader(seen_.frame.subspan(at_)); }

  Next step(Next next) noexcept {
    switch (next) {
      case Next::ethernet:
        return ethernet();
      case Next::ip:
        return reader().u8() >> 4 == 6 ? ipv6() : ipv4();
      case Next::ipv4:
        return ipv4();
      case Next::ipv6:
        return ipv6();
      case Next::gre:
        return gre();
      case Next::etherip:
        return etherip();
      case Next::udp:
        return udp();
      case Next::pppoe:
        return pppoe();
      case Next::unknown:
        break;
    }
    return Next::unknown;
  }

  bool add_innermost(Next next) noexcept {
    const bool is_v6 = seen_.source.is_v6;
    if (next == (is_v6 ? Next::ipv4 : Next::ipv6)) return false;
    return path_.add(is_v6 ? Kind::ipv6 : Kind::ipv4, at_, is_v6 ? kIpv6Bytes : kIpv4Bytes);
  }

  // Notes a layer that is written with as many bytes as it was seen with, and goes behind it.
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
        return ppp();
    }
    return Next::unknown;
  }

  static Next of_type(std::uint16_t ethertype) noexcept {
    switch (ethertype) {
      case 0x0800:
        return Next::ipv4;
      case 0x86dd:
        return Next::ipv6;
      case 0x8864:
        return Next::pppoe;
      case 0x6558:
        return Next::ethernet;
      default:
        return Next::unknown;
    }
  }

  struct Tags {
    std::size_t bytes;
    Next next;  // what is behind them
  };

  // `in` stands behind an ethertype.
  static Tags read_tags(std::uint16_t type, ByteReader& in) noexcept {
    const std::size_t begin = in.position();
    while (in.ok() && (type == 0x8100 || type == 0x88a8 || type == 0x9100)) {
      in.skip(2);
      type = in.u16();
    }
    return {.bytes = in.position() - begin, .next = in.ok() ? of_type(type) : Next::unknown};
  }

  Next ethernet() noexcept {
    constexpr std::size_t kHeaderBytes = 14;
    ByteReader in = reader();
    in.skip(kHeaderBytes - 2);
    const std::uint16_t type = in.u16();
    const Tags tags = read_tags(type, in);
    return take(Kind::ethernet, kHeaderBytes + tags.bytes, tags.next);
  }

  // RFC 2516, 4.
  Next pppoe() noexcept {
    return take(Kind::pppoe, kPppoeBytes, Next::ip) == Next::unknown ? Next::unknown : ppp();
  }

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
    const Next next = protocol == 0x21 ? Next::ipv4 : protocol == 0x57 ? Next::ipv6 : Next::unknown;
    return take(Kind::copied, in.position(), next);
  }

  static Next of_protocol(std::uint8_t protocol) noexcept {
    switch (protocol) {
      case 4:
        return Next::ipv4;
      case 17:
        return Next::udp;
      case 41:
        return Next::ipv6;
      case 47:
        return Next::gre;
      case 97:
        return Next::etherip;
      default:
        return Next::unknown;
    }
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
    if (!in.ok() || header_bytes < kIpv4Bytes || !unicast) return Next::unknown;
    return take_ip(Kind::ipv4, kIpv4Bytes, header_bytes, protocol);
  }

  // Destination options are passed over: routers put one there that bounds nesting (RFC 2473, 4.1.1), and no
  // receiver wants it.
  Next ipv6() noexcept {
    constexpr std::uint8_t kMulticast = 0xff;
    constexpr std::uint8_t kHopByHop = 0;
    constexpr std::uint8_t kFragment = 44;  // an atomic one: others do not come here
    constexpr std::uint8_t kDestinationOptions = 60;
    ByteReader in = reader();
    in.skip(6);
    std::uint8_t protocol = in.u8();
    in.skip(1);
    const std::uint8_t source = in.u8();
    in.skip(15);
    const std::uint8_t destination = in.u8();
    in.skip(15);
    if (source == kMulticast || destination == kMulticast) return Next::unknown;
    while (protocol == kHopByHop || protocol == kDestinationOptions || protocol == kFragment) {
      const bool fragment = protocol == kFragment;
      protocol = in.u8();
      const std::size_t length = in.u8();
      in.skip(fragment ? 6 : length * 8 + 6);
      if (!in.ok()) return Next::unknown;
    }
    return take_ip(Kind::ipv6, kIpv6Bytes, in.position(), protocol);
  }

  Next take_ip(Kind kind, std::size_t bytes, std::size_t seen_bytes, std::uint8_t protocol) noexcept {
    if (at_ + seen_bytes > seen_.ip_offset || !path_.add(kind, at_, bytes, protocol)) return Next::unknown;
    at_ += seen_bytes;
    return of_protocol(protocol);
  }

  // RFC 2784, 2, with no flag set.
  Next gre() noexcept {
    constexpr std::size_t kHeaderBytes = 4;
    ByteReader in = reader();
    const std::uint16_t flags_and_version = in.u16();
    const Next next = of_type(in.u16());
    if (flags_and_version != 0) return Next::unknown;
    return take(Kind::copied, kHeaderBytes, next);
  }

  // RFC 3378, 3.
  Next etherip() noexcept { return take(Kind::copied, 2, Next::ethernet); }

  // RFC 7348, 5.
  Next udp() noexcept {
    constexpr std::uint16_t kVxlanPort = 4789;
    ByteReader in = reader();
    in.skip(2);
    if (in.u16() != kVxlanPort) return Next::unknown;
    if (take(Kind::udp, kUdpBytes, Next::ethernet) == Next::unknown) return Next::unknown;
    return take(Kind::copied, kVxlanBytes, Next::ethernet);
  }

  ReplyPath& path_;
  const PacketView& seen_;
  std::size_t at_ = 0;
};

std::optional<ReplyPath> ReplyPath::of(const PacketView& seen, base::Towards towards) noexcept {
  const bool transport = seen.packet_class == PacketClass::tcp || seen.packet_class == PacketClass::udp;
  if (!transport || !seen.link_kept || seen.ip_offset > seen.frame.size()) return std::nullopt;
  ReplyPath path(seen, towards);
  if (!Walk(path).run()) return std::nullopt;
  return path;
}

}  // namespace weir::proto
