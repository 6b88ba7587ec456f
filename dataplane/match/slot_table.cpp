#include "match/slot_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <span>
#include <tuple>

namespace weir::match {
namespace {

// Two slots at least, so that one is empty.
constexpr std::size_t kMinSlots = 2;

// The rules of one key that decide, by scope and by what they hold for.
struct Winners {
  std::optional<Slot> always;
  std::optional<Slot> encrypted;

  void offer(const Slot& slot) {
    std::optional<Slot>& winner = slot.has(kEncryptedOnly) ? encrypted : always;
    if (!winner || decides_over(slot, *winner)) winner = slot;
  }
  // One that holds always makes a weaker one for encrypted connections pointless.
  void settle() {
    if (always && encrypted && !decides_over(*encrypted, *always)) encrypted.reset();
  }
};

// The same rule for both scopes is one slot.
void append_pair(const std::optional<Slot>& self, const std::optional<Slot>& below, std::vector<Slot>& out) {
  const auto with_scope = [](Slot slot, std::uint8_t scope) {
    slot.flags = static_cast<std::uint8_t>((slot.flags & ~(kSelf | kBelow)) | scope);
    return slot;
  };
  if (self && below && with_scope(*self, 0) == with_scope(*below, 0)) {
    out.push_back(with_scope(*self, kSelf | kBelow));
    return;
  }
  if (self) out.push_back(with_scope(*self, kSelf));
  if (below) out.push_back(with_scope(*below, kBelow));
}

void merge_path_info(std::optional<Slot>& merged, const Slot& slot) {
  if (!merged) {
    merged = slot;
    return;
  }
  const bool other_list = slot.port & kHasBlock && (!(merged->port & kHasBlock) || slot.list < merged->list);
  if (other_list) merged->list = slot.list;
  const auto depth = std::max<std::uint16_t>(merged->port >> kDepthShift, slot.port >> kDepthShift);
  merged->port =
      static_cast<std::uint16_t>(((merged->port | slot.port) & kPathInfoBits) | (depth << kDepthShift));
  merged->value |= slot.value;
}

void append_reduced(std::span<const Slot> same_key, std::vector<Slot>& out) {
  Winners self;
  Winners below;
  std::array<std::optional<Slot>, 2> path_info;
  std::optional<Slot> port_info;
  for (const Slot& slot : same_key) {
    if (slot.has(kPortInfo)) {
      port_info = slot;
    } else if (slot.has(kPathInfo)) {
      merge_path_info(path_info[slot.has(kSelf) ? 0 : 1], slot);
    } else {
      if (slot.has(kSelf)) self.offer(slot);
      if (slot.has(kBelow)) below.offer(slot);
    }
  }
  self.settle();
  below.settle();
  append_pair(self.always, below.always, out);
  append_pair(self.encrypted, below.encrypted, out);
  for (const auto& slot : path_info) {
    if (slot) out.push_back(*slot);
  }
  if (port_info) out.push_back(*port_info);
}

bool fits(const std::vector<Slot>& reduced, std::vector<Slot>& table) {
  const std::size_t mask = table.size() - 1;
  for (const Slot& slot : reduced) {
    std::size_t place = slot.key.low & mask;
    for (std::size_t probes = 0; table[place].present(); place = (place + 1) & mask) {
      if (++probes >= kMaxRun) return false;
    }
    table[place] = slot;
  }
  // Runs may have grown together: measured at the end, from an empty slot on, as a reader checks them.
  const auto empty =
      std::find_if(table.begin(), table.end(), [](const Slot& slot) { return !slot.present(); });
  const auto start = static_cast<std::size_t>(empty - table.begin());
  std::size_t run = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    run = table[(start + i) & mask].present() ? run + 1 : 0;
    if (run > kMaxRun) return false;
  }
  return true;
}

}  // namespace

std::vector<Slot> reduce_slots(std::vector<Slot> slots) {
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
    return std::tie(a.key, a.flags, a.list, a.value, a.port) <
           std::tie(b.key, b.flags, b.list, b.value, b.port);
  });
  std::vector<Slot> reduced;
  for (auto first = slots.begin(); first != slots.end();) {
    const auto last =
        std::find_if(first, slots.end(), [&](const Slot& slot) { return slot.key != first->key; });
    append_reduced({first, last}, reduced);
    first = last;
  }
  return reduced;
}

std::vector<Slot> make_slot_table(const std::vector<Slot>& reduced) {
  for (std::size_t size = std::bit_ceil(std::max(kMinSlots, reduced.size() + reduced.size() / 2 + 1));;
       size *= 2) {
    std::vector<Slot> table(size);
    if (fits(reduced, table)) return table;
  }
}

}  // namespace weir::match
