#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/match/fingerprint.h"

/// The bytes of a snapshot file, little endian, position independent:
///
///     SnapshotHeader | ListRecord[list_count] | table | table | table | table
///     table: Bucket[bucket_count + 1] | TableEntry[entry_count], each at the next multiple of 64 bytes
///     (zeros between)
///
/// `checksum` is XXH3-64 of everything behind the header's first 32 bytes: it finds damage, not forgery.
///
/// Layers: the tables of hosts and paths of layer 0 hold the rules of feeds, those of layer 1 the rules of
/// lists that change by hand. A whole snapshot has layer 0, and layer 1 where it has such lists. An overlay
/// has layer 1 alone and names the whole snapshot to whose layer 0 it belongs (`base_generation`,
/// `base_checksum`; both 0 in a whole one): so one entry more costs neither the time to build nor to copy the
/// rest again.
///
/// Keys: a whole-host rule has the fingerprint of its host in the host table, a path rule that of its host
/// joined with that of its path (kind prefix, url or url_query) in the path table. A rule with a port has the
/// key joined with the port instead, and an entry with kPortInfo stands at the key without it. So the number
/// of entries of one key does not grow with the number of rules: of the rules that hold in the same requests
/// the builder keeps the one that decides.
///
/// A table: bucket `(key.low * bucket_count) >> 64` has the entries from `first` to the next bucket's
/// `first`, in the order of their keys, and a tag (16 bits of the key) for each of its first 30, so that one
/// cache line says of nearly every key that it is not there. The last, additional bucket only ends the one
/// before it.
namespace weir::match {

static_assert(std::endian::native == std::endian::little, "snapshots are little endian");

inline constexpr std::array<char, 8> kSnapshotMagic{'W', 'E', 'I', 'R', 'S', 'N', 'A', 'P'};
inline constexpr std::uint32_t kSnapshotVersion = 2;
inline constexpr std::uint64_t kChecksumStart = 32;
inline constexpr std::size_t kTableAlignment = 64;
inline constexpr std::size_t kLayers = 2;

struct TableRecord {
  std::uint64_t buckets_offset;  // of a table that is not there, all are 0
  std::uint64_t bucket_count;
  std::uint64_t entries_offset;
  std::uint64_t entry_count;
  bool operator==(const TableRecord&) const = default;
};

struct LayerRecord {
  TableRecord hosts;
  TableRecord paths;
};

struct SnapshotHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t total_bytes;
  std::uint64_t checksum;
  std::uint64_t generation;
  std::uint64_t created_unix_seconds;
  FingerprintSeed seed;
  std::uint64_t base_generation;
  std::uint64_t base_checksum;
  std::uint32_t list_count;
  std::uint32_t reserved;
  std::array<LayerRecord, kLayers> layers;
};
static_assert(sizeof(SnapshotHeader) == 88 + kLayers * 64);

struct ListRecord {
  std::array<char, 64> name;  // printable, padded with zeros, at least one
  std::uint64_t whole_host_rules;
  std::uint64_t path_rules;
  std::uint64_t layer;  // in which the list's rules stand
};
static_assert(sizeof(ListRecord) == 88);

inline constexpr std::size_t kBucketTags = 30;
/// In Bucket::first: the bucket has more entries than tags.
inline constexpr std::uint32_t kOverflows = 0x80000000;
/// Most entries of one bucket: bounds the time of a lookup.
inline constexpr std::size_t kMaxBucketEntries = 255;

/// One cache line. TableEntry i of the bucket has tag i; 0 where there is no entry.
struct Bucket {
  std::uint32_t first;
  std::array<std::uint16_t, kBucketTags> tags;
};
static_assert(sizeof(Bucket) == kTableAlignment);

/// What a key holds. Of its 128 bits 96 stand here, 16 are the tag, and the bucket gives the first ones.
struct TableEntry {
  std::array<std::uint16_t, 4> high;   // key.high
  std::array<std::uint16_t, 2> low;    // key.low, bits 16 to 47
  std::array<std::uint16_t, 2> value;  // rule id, or what path info says
  std::uint8_t list;
  std::uint8_t flags;
};
static_assert(sizeof(TableEntry) == 18 && alignof(TableEntry) == 2);

/// Bits of TableEntry::flags. kPathInfo and kPortInfo tell the three kinds of entries apart: neither is a
/// rule.
inline constexpr std::uint8_t kSelf = 0x01;      // holds for the host itself
inline constexpr std::uint8_t kBelow = 0x02;     // holds for the hosts below
inline constexpr std::uint8_t kPathInfo = 0x04;  // host table: says which path keys exist, see below
inline constexpr std::uint8_t kPortInfo = 0x08;  // says that the key has rules with ports; else all zero
/// Of a rule.
inline constexpr std::uint8_t kAllow = 0x10;          // else block
inline constexpr std::uint8_t kEncryptedOnly = 0x20;  // made of a path rule by on_tls: block-host
/// Of path info.
inline constexpr std::uint8_t kHasUrl = 0x10;
inline constexpr std::uint8_t kHasUrlQuery = 0x20;
inline constexpr std::uint8_t kHasBlock = 0x40;  // `list` is the list of highest precedence with a block rule

/// `value` of path info, one entry for the path rules that hold for the host itself (kSelf) and one for those
/// that hold below (kBelow): the set of depths that prefix rules have, a bit each (the last bit: that depth
/// and deeper), and in the top byte, where that last bit is set, their greatest depth in units of kDepthUnit,
/// rounded up; kAnyDepth sets no bound.
inline constexpr unsigned kDeepestBit = 23;
inline constexpr unsigned kDepthShift = 24;
inline constexpr std::uint32_t kDepthUnit = 32;
inline constexpr std::uint32_t kAnyDepth = 0xFF;

}  // namespace weir::match
