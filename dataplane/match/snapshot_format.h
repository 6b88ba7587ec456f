#pragma once

#include <array>
#include <cstdint>

#include "match/fingerprint.h"

/// The bytes of a snapshot file, little endian, position independent:
///
///     SnapshotHeader | ListRecord[list_count] | Slot[host_slots] | Slot[path_slots]
///
/// Both tables are open-addressing multimaps from fingerprint to entry: slot `fingerprint.low & (slots - 1)`,
/// then the following ones (wrapping) up to an empty slot. Slot counts are powers of two with at least one
/// empty. `checksum` is XXH3-64 of everything behind the header's first 32 bytes: it finds damage, not
/// forgery.
namespace weir::match {

inline constexpr std::array<char, 8> kSnapshotMagic{'W', 'E', 'I', 'R', 'S', 'N', 'A', 'P'};
inline constexpr std::uint32_t kSnapshotVersion = 1;
inline constexpr std::uint64_t kChecksumStart = 32;

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
  std::array<char, 64> name;  // zero terminated
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

/// Path info: `value` is the set of depths that prefix rules have (bit 31: 31 and deeper), `port` is a set of
/// the bits below, `list` the list of highest precedence that has a path rule for the host.
inline constexpr std::uint16_t kHasUrl = 0x01;
inline constexpr std::uint16_t kHasUrlQuery = 0x02;
inline constexpr unsigned kDeepestBit = 31;

struct Slot {
  Fingerprint key;
  std::uint32_t value;  // rule id, or the depth set of path info
  std::uint16_t port;   // 0: every port
  std::uint8_t list;
  std::uint8_t flags;
  bool operator==(const Slot&) const = default;
};
static_assert(sizeof(Slot) == 24);

}  // namespace weir::match
