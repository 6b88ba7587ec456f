#include "dataplane/engine/workers/steering.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include <fmt/format.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "dataplane/flow/fragment_table.h"

namespace weir::engine {
namespace {

constexpr std::uint32_t kMostSlots = 1024;
constexpr std::uint32_t kFewestSlots = 32;

/// Queues of several instances in one process (tests) must not share a name.
std::string ring_name(const void* owner, unsigned from, unsigned to) {
  return fmt::format("weir{:x}_{}_{}", reinterpret_cast<std::uintptr_t>(owner) & 0xffffffff, from, to);
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
  return hash ^ hash >> 32;
}

std::uint64_t mix(std::uint64_t hash, const proto::IpAddress& address) noexcept {
  // An IPv4 address stands in the first four of sixteen bytes, the others are zero.
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), address.bytes.data(), sizeof(words));
  return mix(mix(hash, words[0]), words[1]);
}

}  // namespace

Steering::Steering(unsigned workers)
    : workers_(workers),
      seed_(0),
      rings_(std::size_t{workers} * workers, nullptr),
      working_{workers, workers} {
  // Secret, so that nobody can choose addresses which all fall to one worker.
  std::random_device device;
  seed_ = std::uint64_t{device()} << 32 | device();
}

base::Result<std::unique_ptr<Steering>> Steering::make(unsigned workers, std::uint32_t slots) {
  std::unique_ptr<Steering> steering(new Steering(workers));
  for (unsigned from = 0; from < workers; ++from) {
    for (unsigned to = 0; to < workers; ++to) {
      if (from == to) continue;
      rte_ring* ring =
          rte_ring_create_elem(ring_name(steering.get(), from, to).c_str(), sizeof(Handoff), slots,
                               SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
      if (ring == nullptr) {
        return base::Error{.code = "memory",
                           .message = fmt::format(
                               "no room for the queues between {} workers ({}): give DPDK more memory (-m in "
                               "dataplane.eal, or more huge pages)",
                               workers, rte_strerror(rte_errno))};
      }
      steering->rings_[std::size_t{from} * workers + to] = ring;
    }
  }
  return steering;
}

Steering::~Steering() {
  for (rte_ring* ring : rings_) {
    if (ring == nullptr) continue;
    Handoff left;
    while (rte_ring_sc_dequeue_elem(ring, &left, sizeof(left)) == 0) rte_pktmbuf_free(left.frame);
    rte_ring_free(ring);
  }
}

std::uint32_t Steering::slots_for(std::uint32_t mbufs, unsigned workers) noexcept {
  if (workers < 2) return 0;
  const std::uint32_t rings = workers * (workers - 1);
  return std::clamp(std::bit_floor(mbufs / 4 / rings), kFewestSlots, kMostSlots);
}

unsigned Steering::owner_of(const proto::IpAddress& source,
                            const proto::IpAddress& destination) const noexcept {
  const std::uint64_t hash = mix(mix(seed_, source), destination);
  // The upper half of a product spreads over any number of workers.
  return static_cast<unsigned>((hash >> 32) * workers_ >> 32);
}

unsigned Steering::pass(unsigned from, unsigned to, std::span<const Handoff> packets) noexcept {
  return rte_ring_sp_enqueue_burst_elem(ring(from, to), packets.data(), sizeof(Handoff),
                                        static_cast<unsigned>(packets.size()), nullptr);
}

unsigned Steering::take(unsigned from, unsigned to, std::span<Handoff, kBurst> room) noexcept {
  return rte_ring_sc_dequeue_burst_elem(ring(from, to), room.data(), sizeof(Handoff), kBurst, nullptr);
}

PacketLender::PacketLender(const Stock& stock) : packets_(stock.ordinary + stock.large) {
  ordinary_.reserve(packets_.size());
  large_.reserve(packets_.size());
  lent_.reserve(packets_.size());
  for (LentPacket& packet : packets_) {
    const bool is_ordinary = ordinary_.size() < stock.ordinary;
    packet.bytes.resize(is_ordinary ? kOrdinaryBytes : flow::FragmentTable::kBufferBytes);
    (is_ordinary ? ordinary_ : large_).push_back(&packet);
  }
}

LentPacket* PacketLender::lend(const proto::PacketView& whole,
                               const inspect::FragmentInspector::Completed& origin) noexcept {
  auto& stock = whole.frame.size() <= kOrdinaryBytes && !ordinary_.empty() ? ordinary_ : large_;
  if (stock.empty() || whole.frame.size() > stock.back()->bytes.size()) return nullptr;
  LentPacket& packet = *stock.back();
  stock.pop_back();
  std::copy(whole.frame.begin(), whole.frame.end(), packet.bytes.begin());
  packet.view = whole;
  packet.view.frame = std::span(packet.bytes).first(whole.frame.size());
  const auto payload_offset = static_cast<std::size_t>(whole.payload.data() - whole.frame.data());
  packet.view.payload = whole.payload.empty()
                            ? std::span<const std::byte>()
                            : packet.view.frame.subspan(payload_offset, whole.payload.size());
  packet.origin = origin;
  packet.state.store(LentPacket::State::lent, std::memory_order_relaxed);  // the queue publishes it
  packet.place = lent_.size();
  lent_.push_back(&packet);
  return &packet;
}

void PacketLender::take_back(LentPacket& packet) noexcept {
  lent_[packet.place] = lent_.back();
  lent_[packet.place]->place = packet.place;
  lent_.pop_back();
  (packet.bytes.size() == kOrdinaryBytes ? ordinary_ : large_).push_back(&packet);
}

}  // namespace weir::engine
