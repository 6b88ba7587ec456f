#include "dataplane/proto/reply/quic_close.h"

#include <algorithm>
#include <array>

#include "dataplane/base/field_writer.h"

namespace weir::proto {
namespace {

constexpr std::size_t kNumberBytes = 2;

/// A client drops a packet number that it has seen (RFC 9000, 12.3). A server that received the first part of
/// a large hello may have used the lowest numbers to acknowledge it. Some clients refuse numbers that are far
/// ahead (QUICHE: 5000).
constexpr std::uint64_t kFirstNumber = 1000;
constexpr std::uint64_t kMostNumbers = 1000;

/// CONNECTION_CLOSE of type 0x1c: error code 0x0170 as a variable-length integer, frame type not known, no
/// reason phrase.
constexpr std::array<std::byte, 5> kClose{std::byte{0x1c}, std::byte{0x41}, std::byte{0x70}, std::byte{0},
                                          std::byte{0}};

// First byte, version, two ids with their lengths, no token, length in two bytes, number, frame, tag.
static_assert(1 + 4 + 2 * (1 + kMaxConnectionIdBytes) + 1 + 2 + kNumberBytes + kClose.size() +
                  QuicCrypto::kTagBytes <=
              kMaxQuicCloseBytes);

}  // namespace

std::size_t build_quic_close(QuicCrypto& crypto, const QuicInitialSeen& seen,
                             std::span<std::byte> out) noexcept {
  if (out.size() < kMaxQuicCloseBytes || seen.version == QuicVersion::unknown) return 0;
  // Answers to repeated Initials differ in their number, as the Initials do.
  const std::uint64_t number = kFirstNumber + std::min(seen.packet_number, kMostNumbers);
  constexpr std::uint32_t kInitial = 0xc0;
  constexpr std::uint32_t kInitialOfVersion2 = 0xd0;  // RFC 9369, 3.2
  base::FieldWriter writer(out);
  writer.u8((seen.version == QuicVersion::v2 ? kInitialOfVersion2 : kInitial) | (kNumberBytes - 1));
  writer.u32(seen.version_number);
  for (const QuicConnectionId* id : {&seen.source_id, &seen.destination_id}) {
    writer.u8(static_cast<std::uint32_t>(id->span().size()));
    writer.bytes(id->span());
  }
  writer.u8(0);
  constexpr std::uint32_t kTwoByteInteger = 0x4000;
  writer.u16(kTwoByteInteger | (kNumberBytes + kClose.size() + QuicCrypto::kTagBytes));
  writer.u16(static_cast<std::uint32_t>(number));
  const std::size_t header_bytes = out.size() - writer.rest().size();
  writer.bytes(kClose);
  const std::size_t bytes = header_bytes + kClose.size() + QuicCrypto::kTagBytes;
  crypto.seal(crypto.server_keys(seen.version, seen.keys_id), number, header_bytes, kNumberBytes,
              out.first(bytes));
  return bytes;
}

}  // namespace weir::proto
