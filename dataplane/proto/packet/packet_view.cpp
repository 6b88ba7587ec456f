#include "dataplane/proto/packet/packet_view.h"

#include "dataplane/proto/packet/header_walk.h"

namespace weir::proto {

PacketView parse_packet(std::span<const std::byte> frame, LinkType link,
                        const Encapsulations& wanted) noexcept {
  PacketView view;
  view.frame = frame;
  view.link = link;
  view.packet_class = HeaderWalk(view, wanted).read_link(frame);
  if (view.packet_class == PacketClass::malformed || view.packet_class == PacketClass::not_ip) {
    view.payload = {};
  }
  return view;
}

PacketView parse_reassembled(const PacketView& fragment, std::span<const std::byte> frame,
                             std::size_t ip_offset, const Encapsulations& wanted) noexcept {
  PacketView view;
  view.frame = frame;
  view.link = fragment.link;
  view.pppoe_offset = fragment.pppoe_offset;
  view.tunnels = fragment.tunnels;
  if (ip_offset != fragment.ip_offset) {  // without its link header it cannot be answered
    view.pppoe_offset = 0;
    view.tunnels = static_cast<std::uint8_t>(view.tunnels + 1);
    view.link_kept = false;
  }
  if (ip_offset <= frame.size()) {
    view.packet_class = HeaderWalk(view, wanted).read_ip(frame.subspan(ip_offset));
  }
  if (view.packet_class == PacketClass::malformed) view.payload = {};
  return view;
}

}  // namespace weir::proto
