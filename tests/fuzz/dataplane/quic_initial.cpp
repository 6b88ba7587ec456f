#include "dataplane/proto/quic/quic_initial.h"

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_frames.h"
#include "tests/support/require.h"

// The input is a datagram; each of its packets is opened. The bytes after the first one are read as frames
// too, because only a builder of packets gets past the tag.
namespace {

using namespace weir::proto;
using weir::base::ParseStatus;
using weir::fuzz::lies_inside;
using weir::fuzz::require;

void read_frames(std::span<const std::byte> frames) {
  QuicFrameReader reader(frames);
  QuicCryptoFrame frame;
  std::size_t frames_seen = 0;
  while (reader.next(frame)) {
    require(lies_inside(frame.data, frames), "frames lie in the payload");
    require(frame.offset < std::uint64_t{1} << 62, "integers have 62 bits");
    require(++frames_seen <= frames.size(), "each frame takes bytes");
  }
  require(!reader.next(frame), "the end is the end");
}

void open(const QuicPacket& packet) {
  static QuicCrypto crypto;
  static std::vector<std::byte> plaintext(std::size_t{1} << 20);
  const auto& keys = crypto.client_keys(packet.version, QuicConnectionId(packet.destination_id));
  for (const std::uint64_t next_number : {std::uint64_t{0}, std::uint64_t{0xfffffffff0}}) {
    const auto room = std::span(plaintext).first(packet.bytes.size());
    const auto opened = crypto.open(keys, packet, next_number, room);
    if (!opened) continue;
    require(lies_inside(opened->frames, room), "the plain text is in the buffer");
    read_frames(opened->frames);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = weir::fuzz::as_input(data, size);
  auto rest = input;
  for (;;) {
    const QuicParse parse = parse_quic_packet(rest);
    require(parse.status != ParseStatus::need_more, "a datagram is whole");
    if (parse.status != ParseStatus::found) break;
    const QuicPacket& packet = parse.packet;
    require(packet.bytes.data() == rest.data() && !packet.bytes.empty(), "packets follow one another");
    for (const auto part : {packet.bytes, packet.destination_id, packet.source_id, packet.token}) {
      require(lies_inside(part, rest), "parts lie in the datagram");
    }
    const bool known = packet.version != QuicVersion::unknown;
    require(known == (packet.type != QuicPacketType::unknown_version &&
                      packet.type != QuicPacketType::version_negotiation),
            "only known versions have types");
    require(!known || packet.destination_id.size() <= kMaxConnectionIdBytes, "ids fit");
    require(packet.packet_number_offset <= packet.bytes.size(), "the number stands in the packet");
    if (packet.type == QuicPacketType::initial && input.size() < (std::size_t{1} << 20)) open(packet);
    rest = rest.subspan(packet.bytes.size());
  }
  read_frames(input.subspan(size < 1 ? size : 1));
  return 0;
}
