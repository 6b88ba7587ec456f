#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "match/fingerprint.h"

/// The bytes of a snapshot file, little endian, position independent:
///
///     SnapshotHeader | ListRecord[list_count] | Slot[host_slots] | Slot[path_slots]
///
/// Both tables are open-addressing multimaps from fingerprint to entry: slot `fingerprint.low & (slots - 1)`,
/// then the following ones (wrapping) up to an empty slot. Slot counts are powers of two, at least one slot
/// is empty, and no more than kMaxRun slots in a row are taken: that bounds the time of a lookup. `checksum`
/// is XXH3-64 of everything behind the header's first 32 bytes: it finds damage, not forgery.
///
/// Keys: a whole-host rule has the fingerprint of its host in the host table, a path rule that of its host
/// joined with that of its path (kind prefix, url or url_query) in the path table. A rule with a port has the
/// key joined with the port instead, and a slot with kPortInfo stands at the key without it. So the number of
/// slots of one key does not grow with the number of rules: of the rules that hold in the same requests the
/// builder keeps the one that decides.
namespace weir::match {

static_assert(std::endian::native == std::endian::little, "snapshots are little endian");

inline constexpr std::array<char, 8> kSnapshotMagic{'W', 'E', 'I', 'R', 'S', 'N', 'A', 'P'};
inline constexpr std::uint32_t kSnapshotVersion = 1;
inline constexpr std::uint64_t kChecksumStart = 32;
inline constexpr std::size_t kMaxRun = 1024;

struct SnapshotHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t total_bytes;
  std::uint64_t checksum;
  std::uint64_t generation;
  std::uint64_t created_unix_seconds;
  FingerprintSeed seed;
  std::uint32_t list_count;
  std::uint32_t reserved;
  std::uint64_t lists_offset;
  std::uint64_t hosts_offset;
  std::uint64_t host_slots;
  std::uint64_t paths_offset;
  std::uint64_t path_slots;
};
static_assert(sizeof(SnapshotHeader) == 112);

struct ListRecord {
  std::array<char, 64> name;  // printable, padded with zeros, at least one
  std::uint64_t whole_host_rules;
  std::uint64_t path_rules;
};
static_assert(sizeof(ListRecord) == 80);

/// Bits of Slot::flags. A slot without kPresent is empty and all zero.
inline constexpr std::uint8_t kPresent = 0x01;
inline constexpr std::uint8_t kAllow = 0x02;          // else block
inline constexpr std::uint8_t kSelf = 0x04;           // holds for the host itself
inline constexpr std::uint8_t kBelow = 0x08;          // holds for the hosts below
inline constexpr std::uint8_t kEncryptedOnly = 0x10;  // made of a path rule by on_tls: block-host
inline constexpr std::uint8_t kPathInfo = 0x20;       // host table: says which path keys exist, see below
inline constexpr std::uint8_t kPortInfo = 0x40;       // says that the key has rules with ports; else all zero

/// Path info, one slot for the path rules that hold for the host itself (kSelf) and one for those that hold
/// below (kBelow): `value` is the set of depths that prefix rules have (bit 31: 31 and deeper), `port` is a
/// set of the bits below, `list` the list of highest precedence that has a block rule with a path for the
/// host.
inline constexpr std::uint16_t kHasUrl = 0x01;
inline constexpr std::uint16_t kHasUrlQuery = 0x02;
inline constexpr std::uint16_t kHasBlock = 0x04;  // `list` says something
inline constexpr std::uint16_t kPathInfoBits = 0x07;
/// The other bits: the greatest depth of a prefix rule; kUnlimitedDepth stands for itself and beyond.
inline constexpr unsigned kDepthShift = 3;
inline constexpr std::uint16_t kUnlimitedDepth = 0xFFFF >> kDepthShift;
inline constexpr unsigned kDeepestBit = 31;

struct Slot {
  Fingerprint key;
  std::uint32_t value;  // rule id, or the depth set of path info
  std::uint16_t port;   // 0: every port
  std::uint8_t list;
  std::uint8_t flags;
  bool operator==(const Slot&) const = default;

  [[nodiscard]] bool present() const noexcept { return (flags & kPresent) != 0; }
  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] bool is_rule() const noexcept { return present() && !has(kPathInfo | kPortInfo); }
};
static_assert(sizeof(Slot) == 24);

/// Whether rule `a` decides where both hold: allow wins, then the list of higher precedence, then the lower
/// id.
[[nodiscard]] inline bool decides_over(const Slot& a, const Slot& b) noexcept {
  if (a.has(kAllow) != b.has(kAllow)) return a.has(kAllow);
  if (a.list != b.list) return a.list < b.list;
  return a.value < b.value;
}

}  // namespace weir::match
