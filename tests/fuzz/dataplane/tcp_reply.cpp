#include "dataplane/proto/reply/tcp_reply.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/frame_check.h"
#include "tests/support/require.h"

// The first four bytes choose link type, direction, payload size and flags; the rest is the packet to answer.
namespace {

using namespace weir::proto;
using weir::base::Towards;
using weir::fuzz::require;

constexpr std::size_t kChoiceBytes = 4;

void check_reply(const PacketView& seen, const TcpReply& reply, std::span<const std::byte> frame) {
  const PacketView view = parse_packet(frame, seen.link);
  const std::string error = weir::test::checksum_error(frame, view.ip_offset);
  require(error.empty(), error.c_str());
  const bool to_server = reply.towards == Towards::server;
  require(view.packet_class == PacketClass::tcp, "the reply is TCP");
  require(view.ip_offset == seen.ip_offset || seen.tunnels != 0, "the link header and its tags are kept");
  require(view.tunnels == seen.tunnels, "so are the tunnels");
  require(view.source == (to_server ? seen.source : seen.destination), "the source is the other end");
  require(view.destination == (to_server ? seen.destination : seen.source),
          "the destination is whom it is for");
  require(view.source_port == (to_server ? seen.source_port : seen.destination_port), "the source port");
  require(view.destination_port == (to_server ? seen.destination_port : seen.source_port), "the port");
  require(view.tcp.sequence == reply.sequence, "the sequence number is what was asked for");
  require(view.tcp.acknowledgement == reply.acknowledgement, "so is the acknowledgement");
  require(view.tcp.flags == reply.flags, "so are the flags");
  require(std::equal(view.payload.begin(), view.payload.end(), reply.payload.begin(), reply.payload.end()),
          "so is the payload");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoiceBytes) return 0;
  const auto input = weir::fuzz::as_input(data + kChoiceBytes, size - kChoiceBytes);
  const PacketView seen = parse_packet(input, static_cast<LinkType>(data[0] % 5));
  const std::vector<std::byte> payload(data[2] * std::size_t{6}, std::byte{data[3]});
  const TcpReply reply{.towards = data[1] % 2 == 0 ? Towards::client : Towards::server,
                       .sequence = seen.tcp.acknowledgement,
                       .acknowledgement = seen.tcp.sequence + static_cast<std::uint32_t>(seen.payload.size()),
                       .flags = data[3],
                       .payload = payload};
  std::vector<std::byte> out(tcp_reply_bytes(seen, reply));
  const std::size_t written = build_tcp_reply(seen, reply, out);
  if (seen.packet_class != PacketClass::tcp) {
    require(written == 0, "only TCP is answered");
    return 0;
  }
  if (seen.tunnels != 0 && written == 0) {
    require(out.empty(), "the way back through some tunnels is not known");
    return 0;
  }
  require(written == out.size() && written != 0, "the frame has the size that tcp_reply_bytes gave");
  check_reply(seen, reply, out);
  std::vector<std::byte> small(out.size() - 1);
  require(build_tcp_reply(seen, reply, small) == 0, "a buffer that is too small is refused");
  return 0;
}
