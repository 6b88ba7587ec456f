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

namespace weir::engine {
namespace {

constexpr std::uint32_t kMostSlots = 1024;
constexpr std::uint32_t kFewestSlots = 32;

/// Unique in the process: tests have several instances at once.
std::string ring_name(const void* owner, unsigned from, unsigned to) {
  return fmt::format("weir{:x}_{}_{}", reinterpret_cast<std::uintptr_t>(owner) & 0xffffffff, from, to);
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
  return hash ^ hash >> 32;
}

std::uint64_t mix(std::uint64_t hash, const proto::IpAddress& address) noexcept {
  // An IPv4 address fills the first four of sixteen bytes; the others are zero.
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
  // Secret, so that nobody can choose addresses that all belong to one worker.
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
        return base::Error{
            .code = "memory",
            .message = fmt::format("not enough memory for the queues between {} workers ({}): give DPDK more "
                                   "memory (-m in dataplane.eal, or more huge pages)",
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
  // The upper half of the product is even over any number of workers.
  return static_cast<unsigned>((hash >> 32) * workers_ >> 32);
}

unsigned Steering::pass(unsigned from, unsigned to, std::span<const Handoff> handoffs) noexcept {
  return rte_ring_sp_enqueue_burst_elem(ring(from, to), handoffs.data(), sizeof(Handoff),
                                        static_cast<unsigned>(handoffs.size()), nullptr);
}

unsigned Steering::take(unsigned from, unsigned to, std::span<Handoff, kBurst> room) noexcept {
  return rte_ring_sc_dequeue_burst_elem(ring(from, to), room.data(), sizeof(Handoff), kBurst, nullptr);
}

}  // namespace weir::engine
