#include "dataplane/flow/fragment_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/flow/source.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::flow {
namespace {

using proto::kIpv4HeaderBytes;
using proto::kIpv6HeaderBytes;

/// The bits of the units first..last of a packet in word `word`, which has 64.
std::uint64_t unit_mask(std::size_t word, std::size_t first, std::size_t last) noexcept {
  const std::size_t base = word * 64;
  const std::size_t from = std::max(first, base) - base;
  const std::size_t to = std::min(last, base + 63) - base;
  return (~std::uint64_t{0} << from) & (~std::uint64_t{0} >> (63 - to));
}

void put_u16(std::span<std::byte> out, std::size_t at, std::size_t value) noexcept {
  out[at] = static_cast<std::byte>(value >> 8);
  out[at + 1] = static_cast<std::byte>(value);
}

}  // namespace

// Half as many packets as blocks: a fragmented packet has at least two fragments.
std::size_t FragmentTable::packets_in(std::size_t memory_bytes) noexcept {
  constexpr std::size_t kLinkBytes = 8 * sizeof(std::uint32_t);
  constexpr std::size_t kSetBytes = sizeof(Packet) + 2 * sizeof(Block) + kLinkBytes;
  return std::max(memory_bytes / kSetBytes, kMostBlocks);
}

FragmentTable::FragmentTable(std::size_t memory_bytes, bool keep_incomplete)
    : packets_(packets_in(memory_bytes)),
      blocks_(2 * packets_.size()),
      buckets_(std::bit_ceil(packets_.size()), kNone),
      packet_shares_(packets_.size()),
      block_shares_(packets_.size()),
      keep_incomplete_(keep_incomplete),
      hash_seed_(random_seed()) {
  for (std::uint32_t i = 0; i < packets_.size(); ++i) {
    packets_[i].newer = free_packet_;
    free_packet_ = i;
  }
  for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].next_free = free_block_;
    free_block_ = i;
  }
}

FragmentResult FragmentTable::add(const proto::PacketView& fragment, FragmentStart start,
                                  std::chrono::nanoseconds now, std::span<std::byte> out) noexcept {
  const bool is_v6 = fragment.source.is_v6;
  auto content = fragment.payload;
  if (fragment.fragment.more && content.size() % kUnitBytes != 0) {
    if (is_v6) return {};                                                   // RFC 8200, 4.5: discarded
    content = content.first(content.size() - content.size() % kUnitBytes);  // as Linux reads it
  }
  const std::size_t end = fragment.fragment.offset + content.size();
  constexpr std::size_t kMostBytes = 65535;
  if (content.empty() || end > kMostBytes - (is_v6 ? 0 : kIpv4HeaderBytes)) return {};
  const Range range{.first_unit = fragment.fragment.offset / kUnitBytes,
                    .last_unit = (end - 1) / kUnitBytes,
                    .end_bytes = static_cast<std::uint32_t>(end),
                    .content = content,
                    .last = !fragment.fragment.more};

  expire(now);
  const Key key{.source = fragment.source,
                .destination = fragment.destination,
                .identification = fragment.fragment.identification,
                .ip_protocol = is_v6 ? std::uint8_t{0} : fragment.ip_protocol};
  std::uint32_t index = find(key, now);
  if (index != kNone) {
    const Packet& known = packets_[index];
    if (known.state == State::blocked || known.held) return {.fate = FragmentFate::blocked};
    if (known.state == State::spoiled) return {.fate = FragmentFate::overlap};
  }
  if (keep_incomplete_ && !has_room(key, index, range)) return {.fate = FragmentFate::full};
  if (index == kNone) index = create(key, now);
  Packet& packet = packets_[index];
  const Fit fit = fit_of(packet, range);
  if (fit == Fit::overlap && !(packet.harmless && start != FragmentStart::telling)) {
    // A packet that was forwarded whole may have reached its receiver: only contradictions are refused.
    if (packet.state == State::open) close(index, State::spoiled);
    return {.fate = FragmentFate::overlap};
  }
  touch(index, now);
  if (fit == Fit::duplicate) return {.fate = FragmentFate::duplicate};
  if (fit == Fit::overlap) {
    replace(index, range);
    note_start(packet, fragment, start);
    return {.fate = FragmentFate::replaced};
  }
  store(index, range);
  note_start(packet, fragment, start);
  if (packet.received_bytes != packet.total_bytes) return {.fate = FragmentFate::kept};
  return assemble(index, fragment, out);
}

void FragmentTable::note_start(Packet& packet, const proto::PacketView& fragment,
                               FragmentStart start) noexcept {
  if (fragment.fragment.offset != 0) return;
  const auto header =
      fragment.frame.subspan(fragment.ip_offset, fragment.source.is_v6 ? kIpv6HeaderBytes : kIpv4HeaderBytes);
  std::copy(header.begin(), header.end(), packet.ip_header.begin());
  packet.next_protocol = fragment.ip_protocol;
  packet.harmless = start == FragmentStart::harmless;
}

FragmentTable::Fit FragmentTable::fit_of(const Packet& packet, const Range& range) const noexcept {
  if (packet.total_bytes != 0) {
    if (range.end_bytes > packet.total_bytes) return Fit::overlap;
    if (range.last && range.end_bytes != packet.total_bytes) return Fit::overlap;
  }
  if (range.last && packet.highest_bytes > range.end_bytes) return Fit::overlap;

  const auto bit = [&](std::size_t unit, bool start) {
    const std::uint32_t block = packet.blocks[unit / kWordUnits / kWordsInBlock];
    if (block == kNone) return false;
    const auto& words = start ? blocks_[block].starts : blocks_[block].present;
    return (words[unit / kWordUnits % kWordsInBlock] >> (unit % kWordUnits) & 1U) != 0;
  };
  bool any = false;
  bool all = true;
  bool one_start = bit(range.first_unit, true);
  for (std::size_t word = range.first_unit / kWordUnits; word <= range.last_unit / kWordUnits; ++word) {
    const std::uint64_t mask = unit_mask(word, range.first_unit, range.last_unit);
    const std::uint32_t block = packet.blocks[word / kWordsInBlock];
    const std::uint64_t present = block == kNone ? 0 : blocks_[block].present[word % kWordsInBlock] & mask;
    any = any || present != 0;
    all = all && present == mask;
    std::uint64_t starts = block == kNone ? 0 : blocks_[block].starts[word % kWordsInBlock] & mask;
    if (word == range.first_unit / kWordUnits)
      starts &= ~(std::uint64_t{1} << (range.first_unit % kWordUnits));
    if (starts != 0) one_start = false;
  }
  if (!any) return Fit::fresh;
  const std::size_t next = range.last_unit + 1;
  const bool ends_there =
      next == kMostBlocks * kWordsInBlock * kWordUnits || !bit(next, false) || bit(next, true);
  const bool same_end = ends_there && range.last == (range.end_bytes == packet.total_bytes);
  return all && one_start && same_end && same_content(packet, range) ? Fit::duplicate : Fit::overlap;
}

bool FragmentTable::same_content(const Packet& packet, const Range& range) const noexcept {
  std::size_t at = range.first_unit * kUnitBytes;
  for (auto rest = range.content; !rest.empty();) {
    const Block& block = blocks_[packet.blocks[at / kBlockBytes]];
    const std::size_t count = std::min(rest.size(), kBlockBytes - at % kBlockBytes);
    if (std::memcmp(block.bytes.data() + at % kBlockBytes, rest.data(), count) != 0) return false;
    rest = rest.subspan(count);
    at += count;
  }
  return true;
}

void FragmentTable::store(std::uint32_t index, const Range& range) noexcept {
  Packet& packet = packets_[index];
  std::size_t at = range.first_unit * kUnitBytes;
  for (auto rest = range.content; !rest.empty();) {
    std::uint32_t& slot = packet.blocks[at / kBlockBytes];
    if (slot == kNone) {
      if (free_block_ == kNone) evict_for_block(index);
      slot = free_block_;
      free_block_ = blocks_[slot].next_free;
      blocks_[slot].present = {};
      blocks_[slot].starts = {};
      ++packet.block_count;
      if (packet.state == State::open) block_shares_.change(block_shares_.source_of(packet.key.source), 1);
    }
    const std::size_t count = std::min(rest.size(), kBlockBytes - at % kBlockBytes);
    std::memcpy(blocks_[slot].bytes.data() + at % kBlockBytes, rest.data(), count);
    rest = rest.subspan(count);
    at += count;
  }
  for (std::size_t word = range.first_unit / kWordUnits; word <= range.last_unit / kWordUnits; ++word) {
    blocks_[packet.blocks[word / kWordsInBlock]].present[word % kWordsInBlock] |=
        unit_mask(word, range.first_unit, range.last_unit);
  }
  const std::size_t first_word = range.first_unit / kWordUnits;
  blocks_[packet.blocks[first_word / kWordsInBlock]].starts[first_word % kWordsInBlock] |=
      std::uint64_t{1} << (range.first_unit % kWordUnits);
  packet.received_bytes += static_cast<std::uint32_t>(range.content.size());
  packet.highest_bytes = std::max(packet.highest_bytes, range.end_bytes);
  if (range.last) packet.total_bytes = range.end_bytes;
}

// The bytes of the fragment replace those that it contradicts, and so does its end.
void FragmentTable::replace(std::uint32_t index, const Range& range) noexcept {
  Packet& packet = packets_[index];
  dequeue(index);  // so that it is not evicted for its own bytes
  enqueue(index, State::open);
  const bool beyond = packet.total_bytes != 0 && range.end_bytes >= packet.total_bytes;
  if (beyond && !range.last) {
    if (packet.total_bytes % kUnitBytes != 0) cut(packet, packet.total_bytes / kUnitBytes);
    packet.total_bytes = 0;
  }
  if (range.last) {
    if (packet.total_bytes % kUnitBytes != 0 && beyond) cut(packet, packet.total_bytes / kUnitBytes);
    cut(packet, range.last_unit + 1);
    packet.highest_bytes = range.end_bytes;
  }
  // The rest of an older piece after this one is a separate piece: an exact copy of the old piece no longer
  // matches the packet.
  const auto words_of = [&](std::size_t unit) -> Block* {
    const std::uint32_t block = packet.blocks[unit / kWordUnits / kWordsInBlock];
    return block == kNone ? nullptr : &blocks_[block];
  };
  for (std::size_t word = range.first_unit / kWordUnits; word <= range.last_unit / kWordUnits; ++word) {
    if (Block* block = words_of(word * kWordUnits)) {
      block->starts[word % kWordsInBlock] &= ~unit_mask(word, range.first_unit, range.last_unit);
    }
  }
  const std::size_t next = range.last_unit + 1;
  if (Block* block = next / kWordUnits / kWordsInBlock < kMostBlocks ? words_of(next) : nullptr) {
    const std::size_t word = next / kWordUnits % kWordsInBlock;
    block->starts[word] |= block->present[word] & std::uint64_t{1} << (next % kWordUnits);
  }
  store(index, range);
  packet.received_bytes = count_received(packet);
  if (packet.received_bytes != packet.total_bytes) return;
  dequeue(index);
  enqueue(index, State::passed);
}

void FragmentTable::cut(Packet& packet, std::size_t first) noexcept {
  constexpr std::size_t kWords = kMostBlocks * kWordsInBlock;
  for (std::size_t word = first / kWordUnits; word < kWords; ++word) {
    const std::uint32_t index = packet.blocks[word / kWordsInBlock];
    if (index == kNone) continue;
    const std::uint64_t gone = unit_mask(word, first, kWords * kWordUnits - 1);
    blocks_[index].present[word % kWordsInBlock] &= ~gone;
    blocks_[index].starts[word % kWordsInBlock] &= ~gone;
  }
}

std::uint32_t FragmentTable::count_received(const Packet& packet) const noexcept {
  std::size_t units = 0;
  for (const std::uint32_t index : packet.blocks) {
    if (index == kNone) continue;
    for (const std::uint64_t word : blocks_[index].present) {
      units += static_cast<std::size_t>(std::popcount(word));
    }
  }
  std::size_t bytes = units * kUnitBytes;
  if (packet.total_bytes % kUnitBytes != 0) {
    // The last unit has been received: it came with the end.
    bytes -= kUnitBytes - packet.total_bytes % kUnitBytes;
  }
  return static_cast<std::uint32_t>(bytes);
}

FragmentResult FragmentTable::assemble(std::uint32_t index, const proto::PacketView& fragment,
                                       std::span<std::byte> out) noexcept {
  Packet& packet = packets_[index];
  const bool is_v6 = packet.key.source.is_v6;
  const bool keeps_link = fragment.tunnels == 0 && fragment.ip_offset <= kMaxLinkBytes;
  const std::size_t link_bytes = keeps_link ? fragment.ip_offset : 0;
  std::memcpy(out.data(), fragment.frame.data(), link_bytes);
  const auto header = out.subspan(link_bytes, is_v6 ? kIpv6HeaderBytes : kIpv4HeaderBytes);
  std::copy_n(packet.ip_header.begin(), header.size(), header.begin());
  if (is_v6) {
    put_u16(header, 4, packet.total_bytes);
    header[6] = std::byte{packet.next_protocol};
  } else {
    header[0] = std::byte{0x45};
    put_u16(header, 2, kIpv4HeaderBytes + packet.total_bytes);
    put_u16(header, 6, 0);
    put_u16(header, 10, 0);
  }
  const auto content = out.subspan(link_bytes + header.size(), packet.total_bytes);
  for (std::size_t at = 0; at < content.size(); at += kBlockBytes) {
    const auto& bytes = blocks_[packet.blocks[at / kBlockBytes]].bytes;
    std::memcpy(content.data() + at, bytes.data(), std::min(kBlockBytes, content.size() - at));
  }
  dequeue(index);
  enqueue(index, State::passed);
  return {.fate = FragmentFate::complete,
          .packet = {.index = index, .serial = packet.serial},
          .frame = out.first(link_bytes + header.size() + content.size()),
          .ip_offset = link_bytes};
}

void FragmentTable::block(const FragmentedPacket& packet) noexcept {
  const Packet& found = packets_[packet.index];
  if (found.serial == packet.serial && found.state == State::passed) close(packet.index, State::blocked);
}

void FragmentTable::hold(const FragmentedPacket& packet) noexcept {
  Packet& found = packets_[packet.index];
  if (found.serial == packet.serial && found.state == State::passed) found.held = true;
}

void FragmentTable::let_go(const FragmentedPacket& packet) noexcept {
  Packet& found = packets_[packet.index];
  if (found.serial == packet.serial) found.held = false;
}

}  // namespace weir::flow
