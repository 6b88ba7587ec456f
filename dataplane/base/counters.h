#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/ids.h"
#include "dataplane/base/outcome.h"

namespace weir::base {

/// One dimension of a counter. An axis without rows is indexed by list and named at export time.
struct LabelAxis {
  std::string_view key;
  std::span<const EnumRow> rows;
  [[nodiscard]] constexpr bool is_list() const noexcept { return !key.empty() && rows.empty(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return key.empty() ? 1 : is_list() ? kMaxLists : rows.size();
  }
};

/// A metric and its labels; every exporter (Prometheus, weirctl, weir-replay) walks this one table.
struct CounterRow {
  std::string_view name;
  std::string_view help;
  LabelAxis first;
  LabelAxis second;
  [[nodiscard]] constexpr std::size_t size() const noexcept { return first.size() * second.size(); }
};

enum class Counter : std::uint8_t {
  packets,
  requests,
  blocked,
  parse,
  ech,
  unenforceable,
  injected,
  inject_failed,
  h2c_unfollowed,
  quic_evictions,
  fragment_evictions,
  flow_evictions,
  stream_evictions,
  handoffs,
  snapshots_refused,
  rule_trips,
  worker_stalls,
  link_follows,
  icmp_limited
};

inline constexpr std::array<CounterRow, 19> kCounters{{
    {"weir_packets_total", "Received packets by what became of them", {"outcome", kOutcomes}, {}},
    {"weir_requests_total", "Inspected requests", {"protocol", kProtocols}, {"verdict", kRequestVerdicts}},
    {"weir_blocked_total", "Blocked requests by list", {"protocol", kProtocols}, {"list", {}}},
    {"weir_parse_total",
     "What the parsers made of candidate payloads",
     {"protocol", kProtocols},
     {"result", kParseStatuses}},
    {"weir_ech_total", "ClientHellos with the encrypted_client_hello extension (most are GREASE)", {}, {}},
    {"weir_unenforceable_total", "Encrypted connections to hosts that have path rules", {"list", {}}, {}},
    {"weir_injected_packets_total", "Frames made and sent by Weir", {"towards", kTowards}, {}},
    {"weir_inject_failed_total",
     "Answers that could not be sent: no mbuf, or the transmit queue full",
     {"towards", kTowards},
     {}},
    {"weir_h2c_unfollowed_total",
     "Cleartext HTTP/2 connections read segment by segment, for want of state to follow them with",
     {},
     {}},
    {"weir_quic_evictions_total",
     "QUIC connections forgotten, or read anew, before the end of their hello: table or memory full",
     {},
     {}},
    {"weir_fragment_evictions_total",
     "Packets in fragments forgotten before their last fragment came, because memory was full",
     {},
     {}},
    {"weir_flow_evictions_total", "Flows forgotten early because the flow table was full", {}, {}},
    {"weir_stream_evictions_total",
     "Unfinished messages given up because the memory for reassembly was full",
     {},
     {}},
    {"weir_handoffs_total",
     "Packets passed from the worker that received them to the one that inspects their addresses",
     {},
     {}},
    {"weir_snapshots_refused_total", "Snapshots that the dataplane did not take", {}, {}},
    {"weir_rule_trips_total", "Times that a rule was tripped because it matched too often", {}, {}},
    {"weir_worker_stalls_total", "Times that a worker was seen to stand still", {}, {}},
    {"weir_link_follows_total",
     "Times that a port was taken down because the other one lost its link",
     {},
     {}},
    {"weir_icmp_limited_total",
     "ICMP errors of mode routed that were not sent (dataplane.routed.icmp_errors_per_second)",
     {},
     {}},
}};
static_assert(kCounters.size() == index_of(Counter::icmp_limited) + 1);

constexpr std::size_t offset_of(Counter counter) noexcept {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < index_of(counter); ++i) offset += kCounters[i].size();
  return offset;
}

inline constexpr std::size_t kCounterCount =
    offset_of(Counter::icmp_limited) + kCounters[index_of(Counter::icmp_limited)].size();

/// The counters of one worker. Written by that worker alone, read by any thread: a load and a store without a
/// locked instruction are enough, and a reader sees each counter whole (memory_order_relaxed: counters
/// order nothing).
class alignas(64) Counters {
 public:
  void add(Counter counter, std::size_t first = 0, std::size_t second = 0,
           std::uint64_t amount = 1) noexcept {
    auto& cell = cells_[offset_of(counter) + first * kCounters[index_of(counter)].second.size() + second];
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void add(Outcome outcome, std::uint64_t amount = 1) noexcept {
    add(Counter::packets, index_of(outcome), 0, amount);
  }

  [[nodiscard]] std::uint64_t get(Counter counter, std::size_t first = 0,
                                  std::size_t second = 0) const noexcept {
    return cells_[offset_of(counter) + first * kCounters[index_of(counter)].second.size() + second].load(
        std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get(Outcome outcome) const noexcept {
    return get(Counter::packets, index_of(outcome));
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounterCount> cells_{};
};

}  // namespace weir::base
