#include "dataplane/match/snapshot_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <xxhash.h>

#include "dataplane/base/ids.h"
#include "dataplane/match/slot.h"

namespace weir::match {
namespace {

using base::Error;
using Problem = std::optional<Error>;

// Bytes of a file up to the end of the version, which says how to read the rest.
constexpr std::size_t kVersionEnd = offsetof(SnapshotHeader, version) + sizeof(SnapshotHeader::version);

Error truncated(std::uint64_t size, std::uint64_t expected) {
  return {"snapshot_truncated", "snapshot is truncated: " + std::to_string(size) + " bytes, expected " +
                                    std::to_string(expected) + "; copy or build it again"};
}

// Magic and version are checked first: a file of another version may differ in everything after them.
Problem check_start(std::span<const std::byte> bytes) {
  if (bytes.size() < kSnapshotMagic.size()) return truncated(bytes.size(), sizeof(SnapshotHeader));
  if (std::memcmp(bytes.data(), kSnapshotMagic.data(), kSnapshotMagic.size()) != 0) {
    return Error{"snapshot_magic", "not a snapshot: the first 8 bytes are not WEIRSNAP"};
  }
  std::uint32_t version = kSnapshotVersion;
  if (bytes.size() < kVersionEnd) return truncated(bytes.size(), sizeof(SnapshotHeader));
  std::memcpy(&version, bytes.data() + offsetof(SnapshotHeader, version), sizeof(version));
  if (version != kSnapshotVersion) {
    return Error{"snapshot_version", "snapshot has format version " + std::to_string(version) +
                                         ", this program reads version " + std::to_string(kSnapshotVersion) +
                                         "; build it with the same release"};
  }
  if (bytes.size() < sizeof(SnapshotHeader)) return truncated(bytes.size(), sizeof(SnapshotHeader));
  return std::nullopt;
}

// Names are shown in metrics and tables: they must be printable, with nothing but zeros after them.
bool is_good_name(const ListRecord& list) noexcept {
  const auto end = std::find(list.name.begin(), list.name.end(), '\0');
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; };
  return end != list.name.end() && std::none_of(list.name.begin(), end, is_control) &&
         std::all_of(end, list.name.end(), [](char c) { return c == '\0'; });
}

bool has_only(const TableEntry& entry, std::uint8_t flags) noexcept { return (entry.flags & ~flags) == 0; }
bool has(const TableEntry& entry, std::uint8_t flags) noexcept { return (entry.flags & flags) != 0; }

bool is_good_path_info(const TableEntry& entry, std::size_t list_count) noexcept {
  constexpr std::uint8_t kContents = kHasUrl | kHasUrlQuery;
  const std::uint8_t scope = entry.flags & (kSelf | kBelow);
  const std::uint32_t depths = value_of(entry);
  const bool list_is_good = has(entry, kHasBlock) ? entry.list < list_count : entry.list == 0;
  const bool bound_is_good = (depths >> kDepthShift != 0) == ((depths >> kDeepestBit & 1U) != 0);
  return has_only(entry, kPathInfo | kSelf | kBelow | kContents | kHasBlock) &&
         (scope == kSelf || scope == kBelow) && list_is_good && bound_is_good &&
         (depths != 0 || has(entry, kContents));
}

bool is_good_rule(const TableEntry& entry, TableKind kind, std::size_t list_count) noexcept {
  if (!has_only(entry, kSelf | kBelow | kAllow | kEncryptedOnly) || !has(entry, kSelf | kBelow)) return false;
  if (value_of(entry) == 0 || entry.list >= list_count) return false;
  return !has(entry, kEncryptedOnly) || (kind == TableKind::hosts && !has(entry, kAllow));
}

bool is_good_entry(const TableEntry& entry, TableKind kind, std::size_t list_count) noexcept {
  if (has(entry, kPortInfo)) {
    return entry.flags == kPortInfo && value_of(entry) == 0 && entry.list == 0;
  }
  if (has(entry, kPathInfo)) return kind == TableKind::hosts && is_good_path_info(entry, list_count);
  return is_good_rule(entry, kind, list_count);
}

bool tags_are_good(const Bucket& bucket, std::size_t entries) noexcept {
  for (std::size_t i = entries; i < kBucketTags; ++i) {
    if (bucket.tags[i] != 0) return false;
  }
  return ((bucket.first & kOverflows) != 0) == (entries > kBucketTags);
}

}  // namespace

Error snapshot_corrupt(std::string_view what) {
  return {"snapshot_corrupt", "snapshot is corrupt: " + std::string(what) + "; build it again"};
}

Problem check_frame(std::span<const std::byte> bytes) {
  if (auto problem = check_start(bytes)) return problem;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(SnapshotHeader) != 0) {
    return snapshot_corrupt("its memory is not aligned to 8 bytes");
  }
  const auto& header = *reinterpret_cast<const SnapshotHeader*>(bytes.data());
  if (header.header_bytes != sizeof(SnapshotHeader)) return snapshot_corrupt("the header has another size");
  if (header.total_bytes > bytes.size()) return truncated(bytes.size(), header.total_bytes);
  if (header.total_bytes < bytes.size()) return snapshot_corrupt("there are bytes after its end");
  const auto checked = bytes.subspan(kChecksumStart);
  if (XXH3_64bits(checked.data(), checked.size()) != header.checksum) {
    return Error{"snapshot_checksum",
                 "snapshot is damaged: its checksum does not match; copy or build it again"};
  }
  return std::nullopt;
}

// The counts determine the layout, so each offset has one right value. Counts are checked against the total
// size before they are multiplied.
Problem check_layout(const SnapshotHeader& header) {
  const bool is_overlay = header.base_generation != 0;
  if (header.reserved != 0) return snapshot_corrupt("a reserved field is set");
  if (header.list_count > base::kMaxLists) return snapshot_corrupt("too many lists");
  if (!is_overlay && header.base_checksum != 0) return snapshot_corrupt("it names a base only in part");
  std::uint64_t offset = sizeof(SnapshotHeader) + header.list_count * sizeof(ListRecord);
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const LayerRecord& record = header.layers[layer];
    const bool absent = record.hosts == TableRecord{} && record.paths == TableRecord{};
    // An overlay has only layer 1. A whole snapshot has layer 0 and may have layer 1.
    const bool wanted = (layer == 0) != is_overlay;
    const bool allowed = wanted || layer == 1;
    if (absent ? wanted : !allowed) return snapshot_corrupt("a layer is missing, or there is one too many");
    if (absent) continue;
    for (const TableRecord* table : {&record.hosts, &record.paths}) {
      offset = (offset + kTableAlignment - 1) / kTableAlignment * kTableAlignment;
      if (table->bucket_count == 0 || table->bucket_count >= kOverflows || table->entry_count >= kOverflows ||
          table->bucket_count > header.total_bytes / sizeof(Bucket) ||
          table->entry_count > header.total_bytes / sizeof(TableEntry)) {
        return snapshot_corrupt("a table is empty or does not fit the file");
      }
      if (table->buckets_offset != offset) return snapshot_corrupt("a table is in the wrong place");
      offset += (table->bucket_count + 1) * sizeof(Bucket);
      if (table->entries_offset != offset) return snapshot_corrupt("entries are in the wrong place");
      offset += table->entry_count * sizeof(TableEntry);
    }
  }
  if (header.total_bytes != offset) return snapshot_corrupt("the sizes do not add up");
  return std::nullopt;
}

Problem check_lists(std::span<const ListRecord> lists, bool is_overlay) {
  for (const ListRecord& list : lists) {
    if (!is_good_name(list)) return snapshot_corrupt("the name of a list is not valid");
    if (list.layer >= kLayers) return snapshot_corrupt("the layer of a list is not valid");
    const bool has_rules = list.whole_host_rules != 0 || list.path_rules != 0;
    if (is_overlay && list.layer == 0 && has_rules)
      return snapshot_corrupt("an overlay has rules that it cannot have");
  }
  return std::nullopt;
}

Problem check_table(std::span<const Bucket> buckets, std::span<const TableEntry> entries, TableKind kind,
                    std::size_t list_count) {
  const Bucket& last = buckets.back();
  if (buckets.front().first % kOverflows != 0 || last.first != entries.size()) {
    return snapshot_corrupt("a table does not begin or end where its entries do");
  }
  for (std::size_t i = 0; i + 1 < buckets.size(); ++i) {
    const std::uint32_t start = buckets[i].first & ~kOverflows;
    const std::uint32_t end = buckets[i + 1].first & ~kOverflows;
    if (end < start || end - start > kMaxBucketEntries) {
      return snapshot_corrupt("a bucket has entries outside the table, or too many");
    }
    if (!tags_are_good(buckets[i], end - start))
      return snapshot_corrupt("the tags of a bucket do not fit its entries");
  }
  if (!tags_are_good(last, 0)) return snapshot_corrupt("the last bucket of a table is not empty");
  const auto is_good = [&](const TableEntry& entry) { return is_good_entry(entry, kind, list_count); };
  if (!std::all_of(entries.begin(), entries.end(), is_good)) {
    return snapshot_corrupt("an entry is not valid");
  }
  return std::nullopt;
}

}  // namespace weir::match
