#include "match/snapshot_view.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include <xxhash.h>

namespace weir::match {
namespace {

using base::Error;

// Of the start of a file, up to and with the field that says how to read the rest.
constexpr std::size_t kVersionEnd = offsetof(SnapshotHeader, version) + sizeof(SnapshotHeader::version);

Error corrupt(const std::string& what) {
  return {"snapshot_corrupt", "snapshot is corrupt: " + what + "; build it again"};
}

Error truncated(std::uint64_t size, std::uint64_t expected) {
  return {"snapshot_truncated", "snapshot is truncated: " + std::to_string(size) + " bytes, expected " +
                                    std::to_string(expected) + "; copy or build it again"};
}

// Magic and version come before all else: a file of another version may differ in whatever follows.
std::optional<Error> check_start(std::span<const std::byte> bytes) {
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

// The layout is fixed by the counts, so each offset has one right value; counts are compared with what the
// total has room for before they are multiplied.
std::optional<Error> check_layout(const SnapshotHeader& header) {
  if (header.reserved != 0) return corrupt("a reserved field is set");
  if (header.list_count > base::kMaxLists) return corrupt("too many lists");
  for (const std::uint64_t slots : {header.host_slots, header.path_slots}) {
    if (!std::has_single_bit(slots) || slots > header.total_bytes / sizeof(Slot)) {
      return corrupt("a table's size is no power of two, or beyond the file");
    }
  }
  std::uint64_t offset = sizeof(SnapshotHeader);
  if (header.lists_offset != offset) return corrupt("the lists are not where they belong");
  offset += header.list_count * sizeof(ListRecord);
  if (header.hosts_offset != offset) return corrupt("the host table is not where it belongs");
  offset += header.host_slots * sizeof(Slot);
  if (header.paths_offset != offset) return corrupt("the path table is not where it belongs");
  offset += header.path_slots * sizeof(Slot);
  if (header.total_bytes != offset) return corrupt("the sizes do not add up");
  return std::nullopt;
}

// Names go into metrics and tables: printable, and nothing hidden behind their end.
bool is_good_list(const ListRecord& list) noexcept {
  const auto end = std::find(list.name.begin(), list.name.end(), '\0');
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; };
  return end != list.name.end() && std::none_of(list.name.begin(), end, is_control) &&
         std::all_of(end, list.name.end(), [](char c) { return c == '\0'; });
}

enum class Table : std::uint8_t { hosts, paths };

bool is_good_path_info(const Slot& slot, std::size_t list_count) noexcept {
  const std::uint8_t scope = slot.flags & (kSelf | kBelow);
  const bool list_is_good = (slot.port & kHasBlock) != 0 ? slot.list < list_count : slot.list == 0;
  const bool has_paths = slot.value != 0 || (slot.port & (kHasUrl | kHasUrlQuery)) != 0;
  const bool depth_is_good = slot.value != 0 || (slot.port & ~kPathInfoBits) == 0;
  return slot.flags == (kPresent | kPathInfo | scope) && (scope == kSelf || scope == kBelow) &&
         list_is_good && has_paths && depth_is_good;
}

bool is_good_rule(const Slot& slot, Table table, std::size_t list_count) noexcept {
  if (slot.value == 0 || slot.list >= list_count || !slot.has(kSelf | kBelow)) return false;
  return !slot.has(kEncryptedOnly) || (table == Table::hosts && !slot.has(kAllow));
}

bool is_good_slot(const Slot& slot, Table table, std::size_t list_count) noexcept {
  if (!slot.present()) return slot == Slot{};
  if ((slot.flags & 0x80) != 0) return false;
  if (slot.has(kPortInfo)) {
    return slot.flags == (kPresent | kPortInfo) && slot.value == 0 && slot.port == 0 && slot.list == 0;
  }
  if (slot.has(kPathInfo)) return table == Table::hosts && is_good_path_info(slot, list_count);
  return is_good_rule(slot, table, list_count);
}

// Besides each slot: that a probe from a key's first slot finds it, and ends soon.
std::optional<Error> check_table(std::span<const Slot> slots, Table table, std::size_t list_count) {
  const auto empty =
      std::find_if(slots.begin(), slots.end(), [](const Slot& slot) { return !slot.present(); });
  if (empty == slots.end()) return corrupt("a table has no empty slot");
  const std::size_t mask = slots.size() - 1;
  const auto start = static_cast<std::size_t>(empty - slots.begin());
  std::size_t run = 0;  // taken slots right before this one
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::size_t place = (start + i) & mask;
    const Slot& slot = slots[place];
    if (!is_good_slot(slot, table, list_count)) return corrupt("a slot has impossible contents");
    if (!slot.present()) {
      run = 0;
      continue;
    }
    const std::size_t distance = (place - slot.key.low) & mask;
    if (distance > run) return corrupt("a slot is out of its place");
    if (++run > kMaxRun) return corrupt("a table is too dense");
  }
  return std::nullopt;
}

}  // namespace

base::Result<SnapshotView> SnapshotView::open(std::span<const std::byte> bytes) {
  if (const auto error = check_start(bytes)) return *error;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(SnapshotHeader) != 0) {
    return corrupt("its memory is not aligned to 8 bytes");
  }
  const auto& header = *reinterpret_cast<const SnapshotHeader*>(bytes.data());
  if (header.header_bytes != sizeof(SnapshotHeader)) return corrupt("the header has another size");
  if (header.total_bytes > bytes.size()) return truncated(bytes.size(), header.total_bytes);
  if (header.total_bytes < bytes.size()) return corrupt("something follows its end");
  const auto checked = bytes.subspan(kChecksumStart);
  if (XXH3_64bits(checked.data(), checked.size()) != header.checksum) {
    return Error{"snapshot_checksum",
                 "snapshot is damaged: its checksum does not match; copy or build it again"};
  }
  if (const auto error = check_layout(header)) return *error;

  SnapshotView view(header);
  const std::byte* const start = bytes.data();
  view.lists_ = {reinterpret_cast<const ListRecord*>(start + header.lists_offset), header.list_count};
  view.hosts_ = {reinterpret_cast<const Slot*>(start + header.hosts_offset), header.host_slots};
  view.paths_ = {reinterpret_cast<const Slot*>(start + header.paths_offset), header.path_slots};
  if (!std::all_of(view.lists_.begin(), view.lists_.end(), is_good_list)) return corrupt("a list's name");
  if (const auto error = check_table(view.hosts_, Table::hosts, header.list_count)) return *error;
  if (const auto error = check_table(view.paths_, Table::paths, header.list_count)) return *error;
  return view;
}

std::string_view SnapshotView::list_name(base::ListIndex list) const noexcept {
  return list.value < lists_.size() ? std::string_view(lists_[list.value].name.data()) : std::string_view();
}

std::uint64_t SnapshotView::whole_host_rules(base::ListIndex list) const noexcept {
  return list.value < lists_.size() ? lists_[list.value].whole_host_rules : 0;
}

std::uint64_t SnapshotView::path_rules(base::ListIndex list) const noexcept {
  return list.value < lists_.size() ? lists_[list.value].path_rules : 0;
}

}  // namespace weir::match
