#include "flow/flow_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <span>

#include <xxhash.h>

namespace weir::flow {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

FlowKey flow_key_of(const proto::PacketView& packet) noexcept {
  return {.source = packet.source,
          .destination = packet.destination,
          .source_port = packet.source_port,
          .destination_port = packet.destination_port,
          .ip_protocol = packet.ip_protocol};
}

FlowTable::FlowTable(std::size_t capacity, std::chrono::nanoseconds lifetime)
    : flows_(std::bit_ceil(std::max(capacity, kWays))), lifetime_(lifetime), hash_seed_(random_seed()) {}

std::size_t FlowTable::set_of(const FlowKey& key) const noexcept {
  // Written out byte by byte, since a struct's padding must not be hashed.
  std::array<std::byte, 38> bytes{};
  auto* to = bytes.data();
  const auto put = [&to](const void* from, std::size_t count) {
    std::memcpy(to, from, count);
    to += count;
  };
  put(key.source.bytes.data(), key.source.bytes.size());
  put(key.destination.bytes.data(), key.destination.bytes.size());
  put(&key.source_port, sizeof key.source_port);
  put(&key.destination_port, sizeof key.destination_port);
  put(&key.ip_protocol, sizeof key.ip_protocol);
  *to = key.source.is_v6 ? std::byte{1} : std::byte{0};
  const std::size_t sets = flows_.size() / kWays;
  return static_cast<std::size_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_seed_)) & (sets - 1);
}

bool FlowTable::live(const Flow& flow, std::chrono::nanoseconds now) const noexcept {
  return flow.used && (now <= flow.last_seen || now - flow.last_seen < lifetime_);
}

void FlowTable::take(Flow& flow) noexcept {
  // One writer: a load and a store, no locked instruction.
  if (!flow.used) size_.store(size() + 1, std::memory_order_relaxed);
  flow.used = true;
}

void FlowTable::release(Flow& flow) noexcept {
  if (flow.used) size_.store(size() - 1, std::memory_order_relaxed);
  flow.used = false;
}

Flow* FlowTable::find(const FlowKey& key, std::chrono::nanoseconds now) noexcept {
  if (size() == 0) return nullptr;
  for (Flow& flow : std::span(flows_).subspan(set_of(key) * kWays, kWays)) {
    if (!flow.used || flow.key != key) continue;
    if (!live(flow, now)) {
      release(flow);
      return nullptr;
    }
    flow.last_seen = now;
    return &flow;
  }
  return nullptr;
}

Flow& FlowTable::find_or_add(const FlowKey& key, std::chrono::nanoseconds now) noexcept {
  if (Flow* known = find(key, now)) return *known;
  const auto set = std::span(flows_).subspan(set_of(key) * kWays, kWays);
  Flow* place = nullptr;
  for (Flow& flow : set) {
    if (!live(flow, now)) {
      place = &flow;
      break;
    }
    if (place == nullptr || flow.last_seen < place->last_seen) place = &flow;
  }
  if (live(*place, now)) ++evictions_;
  take(*place);
  place->key = key;
  place->state = FlowState::undecided;
  place->blocked = {};
  place->last_seen = now;
  return *place;
}

void FlowTable::erase(const FlowKey& key) noexcept {
  if (size() == 0) return;
  for (Flow& flow : std::span(flows_).subspan(set_of(key) * kWays, kWays)) {
    if (flow.used && flow.key == key) release(flow);
  }
}

void FlowTable::sweep(std::chrono::nanoseconds now) noexcept {
  if (size() == 0) return;
  for (Flow& flow : std::span(flows_).subspan(sweep_position_, kWays)) {
    if (flow.used && !live(flow, now)) release(flow);
  }
  sweep_position_ = (sweep_position_ + kWays) & (flows_.size() - 1);
}

}  // namespace weir::flow
