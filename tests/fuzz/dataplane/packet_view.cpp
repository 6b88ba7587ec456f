#include "dataplane/proto/packet/packet_view.h"

#include <array>
#include <cstdint>

#include "dataplane/proto/packet/classify.h"
#include "dataplane/proto/packet/numbers.h"
#include "tests/support/require.h"

// The first byte selects the link type and the encapsulations to look into; the rest is the frame.
namespace {

using namespace weir::proto;
using weir::fuzz::require;

constexpr std::array kSwitches{Encapsulation::vlan, Encapsulation::pppoe,    Encapsulation::mpls,
                               Encapsulation::gre,  Encapsulation::ip_in_ip, Encapsulation::vxlan};

void check_layers(const PacketView& view) {
  const std::size_t header_bytes = view.source.is_v6 ? 40 : 20;
  require(view.ip_offset + header_bytes <= view.transport_offset, "the IP header lies before its content");
  require(view.transport_offset <= view.frame.size(), "the transport offset lies in the frame");
  require(view.tunnels <= 17, "the stack is bounded");
  require(view.pppoe_offset + 6 <= view.ip_offset || view.pppoe_offset == 0, "PPPoE lies around the packet");
  require(view.source.is_v6 == view.destination.is_v6, "both addresses are of one family");
  const auto version = std::to_integer<unsigned>(view.frame[view.ip_offset]) >> 4;
  require(version == (view.source.is_v6 ? 6U : 4U), "the address family is the header's");
}

void check(const PacketView& view, std::span<const std::byte> frame) {
  require(view.frame.data() == frame.data() && view.frame.size() == frame.size(), "the frame is the input");
  require(weir::fuzz::lies_inside(view.payload, frame), "the payload lies in the frame");
  const auto payload_at = [&] { return static_cast<std::size_t>(view.payload.data() - frame.data()); };
  switch (view.packet_class) {
    case PacketClass::not_ip:
    case PacketClass::malformed:
      require(view.payload.empty(), "what is not parsed has no payload");
      return;
    case PacketClass::fragment:
    case PacketClass::other:
      check_layers(view);
      require(payload_at() == view.transport_offset, "the payload is everything after the IP headers");
      return;
    case PacketClass::tcp:
      check_layers(view);
      require(view.ip_protocol == ip_protocol::kTcp, "TCP is protocol 6");
      require(payload_at() >= view.transport_offset + 20, "a TCP header has 20 bytes at least");
      require(payload_at() <= view.transport_offset + 60, "a TCP header has 60 bytes at most");
      return;
    case PacketClass::udp:
      check_layers(view);
      require(view.ip_protocol == ip_protocol::kUdp, "UDP is protocol 17");
      require(payload_at() == view.transport_offset + 8, "a UDP header has 8 bytes");
      return;
  }
  require(false, "the class is one of the enumerators");
}

bool same(const PacketView& a, const PacketView& b) {
  return a.packet_class == b.packet_class && a.transport_offset == b.transport_offset &&
         a.source == b.source && a.destination == b.destination && a.source_port == b.source_port &&
         a.destination_port == b.destination_port && a.ip_protocol == b.ip_protocol &&
         a.payload.size() == b.payload.size();
}

void check_classification(const FastClassification& classification, const PacketView& view) {
  if (classification.kind == FastClassification::Kind::unknown) return;
  const bool tcp = view.packet_class == PacketClass::tcp;
  const bool bare = tcp && view.payload.empty() && (view.tcp.flags & kTcpSyn) == 0;
  require(classification.kind == FastClassification::Kind::udp ? view.packet_class == PacketClass::udp : tcp,
          "the fast classification finds the class");
  require((classification.kind == FastClassification::Kind::bare) == bare,
          "the fast classification finds what is bare");
  require(classification.source() == view.source && classification.destination() == view.destination &&
              classification.source_port == view.source_port &&
              classification.destination_port == view.destination_port,
          "the fast classification finds the connection");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto link = static_cast<LinkType>(data[0] % 6);
  const unsigned off = data[0] / 6U;  // 0: nothing
  Encapsulations wanted;
  // The order of the bits is that of the stored inputs.
  for (unsigned bit = 0; bit < kSwitches.size(); ++bit) wanted[kSwitches[bit]] = (off >> bit & 1U) == 0;
  const auto frame = weir::fuzz::as_input(data + 1, size - 1);
  const PacketView view = parse_packet(frame, link, wanted);
  check(view, frame);
  if (link == LinkType::ethernet) check_classification(classify(frame, wanted), view);
  if (view.packet_class == PacketClass::tcp || view.packet_class == PacketClass::udp) {
    // Without the bytes after the payload (padding, a trailer of UDP) the payload is at most the same.
    const auto end = static_cast<std::size_t>(view.payload.data() - frame.data()) + view.payload.size();
    const PacketView shorter = parse_packet(frame.first(end), link, wanted);
    const bool outer =
        shorter.packet_class == PacketClass::malformed || shorter.packet_class == PacketClass::not_ip;
    // In a tunnel it may be the outer packet, and after MPLS labels the guess depends on the length.
    const bool tunnelled = view.tunnels != 0 || shorter.tunnels != 0;
    require(outer || tunnelled || same(shorter, view), "padding changes nothing but whether the lengths fit");
  }
  return 0;
}
