#include "dataplane/engine/socket/status_report.h"

#include <array>

#include <arpa/inet.h>
#include <unistd.h>

namespace weir::engine {
namespace {

using nlohmann::json;

json snapshot_status(const StatusParts& parts) {
  const Snapshot* active = parts.snapshots.active();
  if (active == nullptr) return nullptr;
  json lists = json::array();
  for (std::size_t i = 0; i < active->view.list_count(); ++i) {
    const base::ListIndex list{static_cast<std::uint8_t>(i)};
    lists.push_back({{"name", active->view.list_name(list)},
                     {"whole_host_rules", active->view.whole_host_rules(list)},
                     {"path_rules", active->view.path_rules(list)}});
  }
  return {{"generation", active->view.generation().value},
          {"created_unix_seconds", active->view.created_unix_seconds()},
          {"activated_unix_seconds", parts.snapshots.activated_unix_seconds()},
          {"base_generation", active->view.id().generation.value},
          {"bytes", active->bytes()},
          {"lists", std::move(lists)}};
}

json next_hop_status(const Routing& routing, std::size_t port) {
  json hops = json::array();
  for (const bool is_v6 : {false, true}) {
    const NextHop* const hop = routing.next_hop(port, is_v6);
    if (hop == nullptr) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, hop->address().bytes.data(), text.data(), text.size());
    hops.push_back({{"address", text.data()}, {"resolved", hop->mac().has_value()}});
  }
  return hops;
}

json port_status(const StatusParts& parts) {
  json ports = json::array();
  for (std::size_t i = 0; i < parts.ports.size(); ++i) {
    const Port& port = *parts.ports[i];
    TrafficCounters::Values sum;
    for (const auto& worker : parts.workers) {
      const TrafficCounters::Values values = worker->traffic(i);
      sum.received_packets += values.received_packets;
      sum.received_bytes += values.received_bytes;
      sum.transmitted_packets += values.transmitted_packets;
      sum.transmitted_bytes += values.transmitted_bytes;
    }
    ports.push_back({{"name", port.settings().name},
                     {"role", config::to_string(port.settings().role)},
                     {"device", port.settings().device},
                     {"link_up", port.link_up()},
                     {"received_packets", sum.received_packets},
                     {"received_bytes", sum.received_bytes},
                     {"transmitted_packets", sum.transmitted_packets},
                     {"transmitted_bytes", sum.transmitted_bytes},
                     {"missed_packets", port.missed_packets()}});
    if (parts.shared.routing != nullptr)
      ports.back()["next_hops"] = next_hop_status(*parts.shared.routing, i);
  }
  return ports;
}

json worker_status(const StatusParts& parts) {
  json workers = json::array();
  for (std::size_t i = 0; i < parts.workers.size(); ++i) {
    workers.push_back({{"lcore", parts.workers[i]->lcore()},
                       {"heartbeat", parts.workers[i]->heartbeat()},
                       {"busy_ratio", parts.load.ratio(i)}});
  }
  return workers;
}

json flow_status(const StatusParts& parts) {
  std::size_t capacity = 0;
  std::size_t blocked = 0;
  for (const auto& worker : parts.workers) {
    capacity += worker->inspector().flow_capacity();
    blocked += worker->inspector().blocked_flows();
  }
  return {{"capacity", capacity}, {"blocked", blocked}};
}

json mbuf_status(const StatusParts& parts) {
  const MbufUse use = mbuf_use(parts.mbufs);
  return {{"capacity", use.capacity}, {"in_use", use.in_use}};
}

}  // namespace

json status_report(const StatusParts& parts) {
  // relaxed: the thread that calls this is the only writer.
  const auto enforcement = parts.shared.enforcement.load(std::memory_order_relaxed);
  return {{"pid", getpid()},
          {"enforcement", base::to_string(enforcement)},
          {"snapshot", snapshot_status(parts)},
          {"ports", port_status(parts)},
          {"workers", worker_status(parts)},
          {"flows", flow_status(parts)},
          {"latency_histogram", parts.shared.measure_latency.load(std::memory_order_relaxed)},
          {"mbufs", mbuf_status(parts)}};
}

}  // namespace weir::engine
