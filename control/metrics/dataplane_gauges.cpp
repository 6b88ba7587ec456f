// The rows of the metrics that are taken from the dataplane's `status` answer.

#include <fmt/format.h>

#include "control/metrics/gauges.h"
#include "control/metrics/json_fields.h"
#include "dataplane/base/enforcement.h"

namespace weir::control {
namespace {

using nlohmann::json;
using prometheus::MetricType;

/// A number that the dataplane tells of each port.
void each_port(const DataplaneStatus& dataplane, Samples& samples, const char* key) {
  for (const json& port : array_field(dataplane.raw, "ports")) {
    if (port.is_object()) samples.add({text_field(port, "name")}, number_field(port, key));
  }
}

void port_links(const DataplaneStatus& dataplane, Samples& samples) {
  for (const json& port : array_field(dataplane.raw, "ports")) {
    if (!port.is_object() || !port.contains("link_up") || !port["link_up"].is_boolean()) continue;
    samples.add({text_field(port, "name")}, port["link_up"].get<bool>() ? 1 : 0);
  }
}

void busy_ratios(const DataplaneStatus& dataplane, Samples& samples) {
  for (const json& worker : array_field(dataplane.raw, "workers")) {
    if (!worker.is_object()) continue;
    samples.add({fmt::format("{:.0f}", number_field(worker, "lcore"))}, number_field(worker, "busy_ratio"));
  }
}

/// An object in the status; null if it is not there.
const json* object_field(const DataplaneStatus& dataplane, const char* key) {
  if (!dataplane.raw.is_object()) return nullptr;
  const auto found = dataplane.raw.find(key);
  return found != dataplane.raw.end() && found->is_object() ? &*found : nullptr;
}

void enforcements(const DataplaneStatus& dataplane, Samples& samples) {
  for (const auto& row : base::kEnforcements)
    samples.add({row.name}, dataplane.enforcement == row.value ? 1 : 0);
}

constexpr std::array<GaugeRow<DataplaneStatus>, 15> kDataplaneGauges{{
    {.name = "weir_snapshot_active_timestamp_seconds",
     .help = "When the active generation was activated",
     .read = [](const DataplaneStatus& dataplane,
                Samples& samples) { samples.add(static_cast<double>(dataplane.activated_unix_seconds)); }},
    {.name = "weir_enforcement",
     .help = "1 for the enforcement that the dataplane applies, 0 for the others",
     .labels = {"mode"},
     .read = enforcements},
    {.name = "weir_rules_beyond_limit",
     .help = "Rules that match more often than dataplane.breaker allows",
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           samples.add(static_cast<double>(array_field(dataplane.raw, "rules_beyond_limit").size()));
         }},
    {.name = "weir_rules_tripped",
     .help = "Rules that are out of force because they matched too often",
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           samples.add(static_cast<double>(array_field(dataplane.raw, "tripped_rules").size()));
         }},
    {.name = "weir_port_received_packets_total",
     .help = "Packets received at a port",
     .type = MetricType::Counter,
     .labels = {"port"},
     .read = [](const DataplaneStatus& from, Samples& to) { each_port(from, to, "received_packets"); }},
    {.name = "weir_port_received_bytes_total",
     .help = "Bytes received at a port",
     .type = MetricType::Counter,
     .labels = {"port"},
     .read = [](const DataplaneStatus& from, Samples& to) { each_port(from, to, "received_bytes"); }},
    {.name = "weir_port_transmitted_packets_total",
     .help = "Packets sent from a port",
     .type = MetricType::Counter,
     .labels = {"port"},
     .read = [](const DataplaneStatus& from, Samples& to) { each_port(from, to, "transmitted_packets"); }},
    {.name = "weir_port_transmitted_bytes_total",
     .help = "Bytes sent from a port",
     .type = MetricType::Counter,
     .labels = {"port"},
     .read = [](const DataplaneStatus& from, Samples& to) { each_port(from, to, "transmitted_bytes"); }},
    {.name = "weir_port_missed_packets_total",
     .help = "Packets that the device dropped because its receive queue was full",
     .type = MetricType::Counter,
     .labels = {"port"},
     .read = [](const DataplaneStatus& from, Samples& to) { each_port(from, to, "missed_packets"); }},
    {.name = "weir_port_link_up",
     .help = "1 if a port has a link, else 0",
     .labels = {"port"},
     .read = port_links},
    {.name = "weir_lcore_busy_ratio",
     .help = "Share of the time in which a worker has packets to process",
     .labels = {"lcore"},
     .read = busy_ratios},
    {.name = "weir_flows",
     .help = "Flows in the workers' tables",
     .labels = {"state"},
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           const json* flows = object_field(dataplane, "flows");
           if (flows != nullptr) samples.add({"blocked"}, number_field(*flows, "blocked"));
         }},
    {.name = "weir_flow_capacity",
     .help = "Flows that fit into the workers' tables",
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           const json* flows = object_field(dataplane, "flows");
           if (flows != nullptr) samples.add(number_field(*flows, "capacity"));
         }},
    {.name = "weir_dataplane_uptime_seconds",
     .help = "How long the dataplane has been running",
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           const bool is_known = dataplane.raw.is_object() && dataplane.raw.contains("uptime_seconds");
           if (is_known) samples.add(number_field(dataplane.raw, "uptime_seconds"));
         }},
    {.name = "weir_mbufs",
     .help = "Packet buffers of the dataplane",
     .labels = {"state"},
     .read =
         [](const DataplaneStatus& dataplane, Samples& samples) {
           const json* mbufs = object_field(dataplane, "mbufs");
           if (mbufs == nullptr) return;
           for (const char* state : {"in_use", "capacity"}) samples.add({state}, number_field(*mbufs, state));
         }},
}};

}  // namespace

std::span<const GaugeRow<DataplaneStatus>> dataplane_gauges() noexcept { return kDataplaneGauges; }

}  // namespace weir::control
