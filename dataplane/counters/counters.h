#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/enum_rows.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/parse_status.h"
#include "dataplane/base/request.h"
#include "dataplane/base/towards.h"
#include "dataplane/outcomes/outcome.h"

namespace weir::base {

enum class Counter : std::uint8_t {
  packets,
  requests,
  blocked,
  parse,
  ech,
  unenforceable,
  injected,
  inject_failed,
  pages_limited,
  h2c_unfollowed,
  mptcp_joins,
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

/// One label of a metric. An axis without rows is indexed by list, and its values are named at export.
struct LabelAxis {
  std::string_view key;
  std::span<const EnumName> rows;
  [[nodiscard]] constexpr bool is_list() const noexcept { return !key.empty() && rows.empty(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return key.empty() ? 1 : is_list() ? kMaxLists : rows.size();
  }
};

/// A metric and its labels. The exporters (Prometheus, weirctl) walk this one table.
struct CounterRow {
  Counter counter;
  std::string_view name;
  std::string_view help;
  LabelAxis first;
  LabelAxis second;
  [[nodiscard]] constexpr std::size_t size() const noexcept { return first.size() * second.size(); }
};

inline constexpr auto kCounters = std::to_array<CounterRow>({
    {Counter::packets,
     "weir_packets_total",
     "Received packets by outcome",
     {"outcome", kNamesOf<kOutcomes>},
     {}},
    {Counter::requests,
     "weir_requests_total",
     "Inspected requests",
     {"protocol", kNamesOf<kProtocols>},
     {"verdict", kNamesOf<kRequestVerdicts>}},
    {Counter::blocked,
     "weir_blocked_total",
     "Blocked requests by list",
     {"protocol", kNamesOf<kProtocols>},
     {"list", {}}},
    {Counter::parse,
     "weir_parse_total",
     "Parser results for payloads that may hold a request",
     {"protocol", kNamesOf<kProtocols>},
     {"result", kNamesOf<kParseStatuses>}},
    {Counter::ech,
     "weir_ech_total",
     "ClientHellos with the encrypted_client_hello extension (most are GREASE)",
     {},
     {}},
    {Counter::unenforceable,
     "weir_unenforceable_total",
     "Encrypted connections to hosts that have path rules",
     {"list", {}},
     {}},
    {Counter::injected,
     "weir_injected_packets_total",
     "Frames made and sent by Weir",
     {"towards", kNamesOf<kTowards>},
     {}},
    {Counter::inject_failed,
     "weir_inject_failed_total",
     "Frames of Weir that could not be sent: no mbuf, or the transmit queue was full",
     {"towards", kNamesOf<kTowards>},
     {}},
    {Counter::pages_limited,
     "weir_pages_limited_total",
     "Block pages replaced by a reset because of dataplane.block.http.bytes_per_destination",
     {},
     {}},
    {Counter::h2c_unfollowed,
     "weir_h2c_unfollowed_total",
     "Cleartext HTTP/2 connections read one segment at a time because no state was free to follow them",
     {},
     {}},
    {Counter::mptcp_joins,
     "weir_mptcp_joins_total",
     "Further paths that clients opened for a connection (MPTCP); a request that is spread over paths is not "
     "seen",
     {},
     {}},
    {Counter::quic_evictions,
     "weir_quic_evictions_total",
     "QUIC connections evicted or restarted before their ClientHello was complete: table or memory full",
     {},
     {}},
    {Counter::fragment_evictions,
     "weir_fragment_evictions_total",
     "Fragmented packets evicted before their last fragment arrived: memory full",
     {},
     {}},
    {Counter::flow_evictions,
     "weir_flow_evictions_total",
     "Flows evicted because the flow table was full",
     {},
     {}},
    {Counter::stream_evictions,
     "weir_stream_evictions_total",
     "Incomplete requests given up because the reassembly memory was full",
     {},
     {}},
    {Counter::handoffs,
     "weir_handoffs_total",
     "Packets handed off from the worker that received them to the worker that inspects them",
     {},
     {}},
    {Counter::snapshots_refused,
     "weir_snapshots_refused_total",
     "Snapshots that the dataplane refused",
     {},
     {}},
    {Counter::rule_trips,
     "weir_rule_trips_total",
     "Times that the breaker tripped a rule because it matched too often",
     {},
     {}},
    {Counter::worker_stalls, "weir_worker_stalls_total", "Times that a worker was found stalled", {}, {}},
    {Counter::link_follows,
     "weir_link_follows_total",
     "Times that a port was taken down because the other port lost its link",
     {},
     {}},
    {Counter::icmp_limited,
     "weir_icmp_limited_total",
     "ICMP errors not sent because of the rate limit (dataplane.routed.icmp_errors_per_second)",
     {},
     {}},
});
static_assert(has_one_row_each<kCounters, &CounterRow::counter>(),
              "kCounters: one row for each Counter, in the order of the enum");

constexpr std::size_t offset_of(Counter counter) noexcept {
  std::size_t offset = 0;
  for (std::size_t i = 0; i < index_of(counter); ++i) offset += kCounters[i].size();
  return offset;
}

inline constexpr std::size_t kCounterCount = offset_of(kCounters.back().counter) + kCounters.back().size();

/// The counters of one worker. Only that worker writes them, any thread reads them, so a plain load and store
/// are enough and no locked instruction is needed (memory_order_relaxed: counters order nothing).
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
