#include "dataplane/rules/table_builder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <tuple>

namespace weir::rules {
namespace {

using match::Bucket;
using match::kBelow;
using match::kSelf;
using match::Slot;
using match::TableEntry;

// The rules of one key and scope that decide: on every connection, and on encrypted ones only.
struct Winners {
  std::optional<Slot> always;
  std::optional<Slot> encrypted;

  void offer(const Slot& slot) {
    std::optional<Slot>& winner = slot.has(match::kEncryptedOnly) ? encrypted : always;
    if (!winner || decides_over(slot, *winner)) winner = slot;
  }
  // A rule for every connection makes a weaker one for encrypted connections useless.
  void settle() {
    if (always && encrypted && !decides_over(*encrypted, *always)) encrypted.reset();
  }
};

// The slots of a part shrink in place: writing never overtakes reading.
class Output {
 public:
  explicit Output(std::vector<Slot>& slots) noexcept : slots_(slots) {}
  void push(Slot slot) {
    slot.primary = false;
    slots_[size_++] = slot;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::vector<Slot>& slots_;
  std::size_t size_ = 0;
};

// The same rule for both scopes becomes one slot.
void push_pair(const std::optional<Slot>& self, const std::optional<Slot>& below, Output& out) {
  const auto with_scope = [](Slot slot, std::uint8_t scope) {
    slot.flags = static_cast<std::uint8_t>((slot.flags & ~(kSelf | kBelow)) | scope);
    slot.primary = false;
    return slot;
  };
  if (self && below && with_scope(*self, 0) == with_scope(*below, 0)) {
    out.push(with_scope(*self, kSelf | kBelow));
    return;
  }
  if (self) out.push(with_scope(*self, kSelf));
  if (below) out.push(with_scope(*below, kBelow));
}

void merge_path_info(std::optional<Slot>& merged, const Slot& slot) {
  if (!merged) {
    merged = slot;
    return;
  }
  if (slot.has(match::kHasBlock) && (!merged->has(match::kHasBlock) || slot.list < merged->list))
    merged->list = slot.list;
  merged->flags |= slot.flags;
  merged->value = match::merge_depth_sets(merged->value, slot.value);
}

void push_reduced(std::span<const Slot> same_key, Output& out) {
  Winners self;
  Winners below;
  std::array<std::optional<Slot>, 2> path_info;
  std::optional<Slot> port_info;
  for (const Slot& slot : same_key) {
    if (slot.has(match::kPortInfo)) {
      port_info = slot;
    } else if (slot.has(match::kPathInfo)) {
      merge_path_info(path_info[slot.has(kSelf) ? 0 : 1], slot);
    } else {
      if (slot.has(kSelf)) self.offer(slot);
      if (slot.has(kBelow)) below.offer(slot);
    }
  }
  self.settle();
  below.settle();
  push_pair(self.always, below.always, out);
  push_pair(self.encrypted, below.encrypted, out);
  for (const auto& slot : path_info) {
    if (slot) out.push(*slot);
  }
  if (port_info) out.push(*port_info);
}

// Orders equal primary slots next to each other.
bool comes_before(const Slot& a, const Slot& b) noexcept {
  if (a.key.low != b.key.low) return a.key.low < b.key.low;
  return std::tie(a.key.high, a.primary, a.flags, a.list, a.value) <
         std::tie(b.key.high, b.primary, b.flags, b.list, b.value);
}

bool says_the_same(const Slot& a, const Slot& b) noexcept {
  return a.primary && b.primary && a.flags == b.flags && a.list == b.list;
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

std::size_t wanted_buckets(std::size_t entries, TableBuilder::Density density) noexcept {
  const auto average = static_cast<std::size_t>(density);
  return std::max<std::size_t>(1, (entries + average - 1) / average);
}

// Writes buckets and entries in the order of the keys.
class TableWriter {
 public:
  TableWriter(std::byte* buckets, std::size_t bucket_count, std::byte* entries) noexcept
      : buckets_(buckets), bucket_count_(bucket_count), entries_(entries) {}

  void put(const Slot& slot) {
    const std::size_t bucket = bucket_index(slot.key, bucket_count_);
    while (current_ < bucket) finish_bucket();
    const std::size_t place = written_ - line_.first;
    if (place < match::kBucketTags) line_.tags[place] = tag_of(slot.key);
    const TableEntry entry = pack(slot);
    std::memcpy(entries_ + written_++ * sizeof(TableEntry), &entry, sizeof(TableEntry));
  }
  void finish() {
    while (current_ <= bucket_count_) finish_bucket();
  }

 private:
  void finish_bucket() {
    if (written_ - line_.first > match::kBucketTags) line_.first |= match::kOverflows;
    std::memcpy(buckets_ + current_++ * sizeof(Bucket), &line_, sizeof(Bucket));
    line_ = Bucket{.first = static_cast<std::uint32_t>(written_), .tags = {}};
  }

  std::byte* buckets_;
  std::size_t bucket_count_;
  std::byte* entries_;
  std::size_t written_ = 0;
  std::size_t current_ = 0;
  Bucket line_{.first = 0, .tags = {}};
};

}  // namespace

void TableBuilder::add(const Slot& slot) {
  std::vector<Slot>& part = parts_[slot.key.low >> kPartShift];
  // Growing by half would leave up to a third of the memory unused.
  if (part.size() == part.capacity()) part.reserve(part.size() + part.size() / 4 + 4);
  part.push_back(slot);
}

std::size_t TableBuilder::size() const noexcept {
  std::size_t size = 0;
  for (const auto& part : parts_) size += part.size();
  return size;
}

void TableBuilder::reduce(const std::function<void(const Slot& slot, bool is_first)>& on_primary) {
  std::vector<Slot> same_key;
  for (std::vector<Slot>& part : parts_) {
    std::sort(part.begin(), part.end(), comes_before);
    Output out(part);
    for (std::size_t first = 0, last = 0; first < part.size(); first = last) {
      for (last = first; last < part.size() && part[last].key == part[first].key; ++last) {
        if (part[last].primary) {
          on_primary(part[last], last == first || !says_the_same(part[last - 1], part[last]));
        }
      }
      // A copy, because the output may overwrite its input.
      same_key.assign(part.begin() + static_cast<std::ptrdiff_t>(first),
                      part.begin() + static_cast<std::ptrdiff_t>(last));
      push_reduced(same_key, out);
    }
    part.resize(out.size());
  }
}

bool TableBuilder::fits(std::size_t bucket_count) const {
  std::size_t current = 0;
  std::size_t entries = 0;
  for (const auto& part : parts_) {
    for (const Slot& slot : part) {
      const std::size_t bucket = bucket_index(slot.key, bucket_count);
      entries = bucket == current ? entries + 1 : 1;
      current = bucket;
      if (entries > match::kMaxBucketEntries) return false;
    }
  }
  return true;
}

match::TableRecord TableBuilder::write(std::vector<std::byte>& out, Density density) {
  const std::size_t entry_count = size();
  std::size_t bucket_count = wanted_buckets(entry_count, density);
  for (const std::size_t limit = 64 * bucket_count; !fits(bucket_count); bucket_count *= 2) {
    if (bucket_count > limit) throw std::length_error("too many keys fall into one bucket");
  }
  if (entry_count >= match::kOverflows || bucket_count >= match::kOverflows) {
    throw std::length_error("too many rules for one snapshot");
  }
  match::TableRecord record{};
  record.buckets_offset = round_up(out.size(), match::kTableAlignment);
  record.bucket_count = bucket_count;
  record.entries_offset = record.buckets_offset + (bucket_count + 1) * sizeof(Bucket);
  record.entry_count = entry_count;
  out.resize(record.entries_offset + entry_count * sizeof(TableEntry));
  TableWriter writer(out.data() + record.buckets_offset, bucket_count, out.data() + record.entries_offset);
  for (auto& part : parts_) {
    for (const Slot& slot : part) writer.put(slot);
    std::vector<Slot>().swap(part);
  }
  writer.finish();
  return record;
}

std::size_t table_bytes(std::size_t entries, TableBuilder::Density density) noexcept {
  return match::kTableAlignment + (wanted_buckets(entries, density) + 1) * sizeof(Bucket) +
         entries * sizeof(TableEntry);
}

}  // namespace weir::rules
