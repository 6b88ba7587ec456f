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
/// `checksum` is XXH3-64 of everything after the first 32 bytes of the header. It detects damage, not
/// forgery.
///
/// Layers: the host and path tables of layer 0 hold the rules of feeds, those of layer 1 the rules of manual
/// lists. A whole snapshot has layer 0, and layer 1 if there are manual lists. An overlay has only layer 1
/// and names the whole snapshot that it belongs to (`base_generation`, `base_checksum`; both 0 in a whole
/// one). So a new entry does not require building and copying the feeds again.
///
/// Keys: the key of a whole-host rule, in the host table, is the fingerprint of its host. The key of a path
/// rule, in the path table, is the fingerprint of its host joined with that of its path (kind prefix, url or
/// url_query). For a rule with a port, the key is joined with the port, and the key without port gets an
/// entry with kPortInfo. The number of entries of one key does not grow with the number of rules: of rules
/// that match the same requests the builder keeps the one that decides.
///
/// Tables: bucket `(key.low * bucket_count) >> 64` has the entries from its `first` to the `first` of the
/// next bucket, in the order of their keys, and a tag (16 bits of the key) for each of the first 30. So for
/// nearly every absent key one cache line is enough. The extra last bucket only ends the one before it.
namespace weir::match {

static_assert(std::endian::native == std::endian::little, "snapshots are little endian");

inline constexpr std::array<char, 8> kSnapshotMagic{'W', 'E', 'I', 'R', 'S', 'N', 'A', 'P'};
inline constexpr std::uint32_t kSnapshotVersion = 2;
inline constexpr std::uint64_t kChecksumStart = 32;
inline constexpr std::size_t kTableAlignment = 64;
inline constexpr std::size_t kLayers = 2;

struct TableRecord {
  std::uint64_t buckets_offset;  // all fields are 0 for an absent table
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
  std::array<char, 64> name;  // printable, padded with at least one zero
  std::uint64_t whole_host_rules;
  std::uint64_t path_rules;
  std::uint64_t layer;  // that holds the rules of the list
};
static_assert(sizeof(ListRecord) == 88);

inline constexpr std::size_t kBucketTags = 30;
/// In Bucket::first: the bucket has more entries than tags.
inline constexpr std::uint32_t kOverflows = 0x80000000;
/// Most entries of one bucket. It limits the time of a lookup.
inline constexpr std::size_t kMaxBucketEntries = 255;

/// One cache line. Entry i of the bucket has tag i; the tag is 0 without an entry.
struct Bucket {
  std::uint32_t first;
  std::array<std::uint16_t, kBucketTags> tags;
};
static_assert(sizeof(Bucket) == kTableAlignment);

/// An entry of a key. Of the 128 bits of the key 96 are here, 16 are the tag, and the bucket implies the
/// rest.
struct TableEntry {
  std::array<std::uint16_t, 4> high;   // key.high
  std::array<std::uint16_t, 2> low;    // key.low, bits 16 to 47
  std::array<std::uint16_t, 2> value;  // rule id, or the value of path info
  std::uint8_t list;
  std::uint8_t flags;
};
static_assert(sizeof(TableEntry) == 18 && alignof(TableEntry) == 2);

/// Bits of TableEntry::flags. kPathInfo and kPortInfo tell the three kinds of entries apart: neither is a
/// rule.
inline constexpr std::uint8_t kSelf = 0x01;      // matches the host itself
inline constexpr std::uint8_t kBelow = 0x02;     // matches the hosts below
inline constexpr std::uint8_t kPathInfo = 0x04;  // host table: tells which path keys exist, see below
inline constexpr std::uint8_t kPortInfo = 0x08;  // the key has rules with ports; all other fields are 0
/// Of a rule.
inline constexpr std::uint8_t kAllow = 0x10;          // allow rule; otherwise block
inline constexpr std::uint8_t kEncryptedOnly = 0x20;  // made of a path rule by on_tls: block-host
/// Of path info.
inline constexpr std::uint8_t kHasUrl = 0x10;
inline constexpr std::uint8_t kHasUrlQuery = 0x20;
inline constexpr std::uint8_t kHasBlock = 0x40;  // `list` is the list of highest precedence with a block rule

/// `value` of path info. There is one entry for the path rules that match the host itself (kSelf) and one for
/// those that match the hosts below (kBelow). The value is the set of depths of the prefix rules, one bit per
/// depth; bit kDeepestBit means that depth and all deeper ones. When it is set, the top byte is the greatest
/// depth in units of kDepthUnit, rounded up; kAnyDepth means no limit.
inline constexpr unsigned kDeepestBit = 23;
inline constexpr unsigned kDepthShift = 24;
inline constexpr std::uint32_t kDepthUnit = 32;
inline constexpr std::uint32_t kAnyDepth = 0xFF;

}  // namespace weir::match
