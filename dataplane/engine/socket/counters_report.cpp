#include "dataplane/engine/socket/counters_report.h"

#include <optional>
#include <string>

#include <fmt/format.h>

namespace weir::engine {
namespace {

/// The label at `index` of an axis; none for a list that the snapshot does not have.
std::optional<std::string> label(const base::LabelAxis& axis, std::size_t index,
                                 const match::SnapshotView* snapshot) {
  if (!axis.is_list()) return std::string(axis.rows[index].name);
  if (snapshot == nullptr || index >= snapshot->list_count()) return std::nullopt;
  return std::string(snapshot->list_name({static_cast<std::uint8_t>(index)}));
}

struct Sample {
  std::size_t first = 0;
  std::size_t second = 0;
  std::uint64_t value = 0;
};

/// Null: the sample is left out.
nlohmann::json sample_report(const base::CounterRow& family, const Sample& sample,
                             const match::SnapshotView* snapshot) {
  nlohmann::json labels = nlohmann::json::object();
  const auto add = [&](const base::LabelAxis& axis, std::size_t index) {
    if (axis.key.empty()) return true;
    const auto name = label(axis, index, snapshot);
    if (!name && sample.value == 0) return false;
    // It was counted with an earlier snapshot, which had more lists.
    labels[std::string(axis.key)] = name ? *name : fmt::format("removed-{}", index);
    return true;
  };
  if (!add(family.first, sample.first) || !add(family.second, sample.second)) return nullptr;
  return {{"labels", std::move(labels)}, {"value", sample.value}};
}

}  // namespace

nlohmann::json counters_report(std::span<const base::Counters* const> workers,
                               const match::SnapshotView* snapshot) {
  nlohmann::json families = nlohmann::json::array();
  for (std::size_t number = 0; number < base::kCounters.size(); ++number) {
    const base::CounterRow& family = base::kCounters[number];
    nlohmann::json samples = nlohmann::json::array();
    for (std::size_t first = 0; first < family.first.size(); ++first) {
      for (std::size_t second = 0; second < family.second.size(); ++second) {
        std::uint64_t value = 0;
        for (const base::Counters* counters : workers) {
          value += counters->get(static_cast<base::Counter>(number), first, second);
        }
        auto sample = sample_report(family, {.first = first, .second = second, .value = value}, snapshot);
        if (!sample.is_null()) samples.push_back(std::move(sample));
      }
    }
    families.push_back({{"name", std::string(family.name)},
                        {"help", std::string(family.help)},
                        {"type", "counter"},
                        {"samples", std::move(samples)}});
  }
  return {{"families", std::move(families)}};
}

nlohmann::json latency_report(std::span<const LatencyHistogram::Values> workers) {
  constexpr double kSecond = 1e9;
  std::uint64_t count = 0;
  std::uint64_t sum_ns = 0;
  nlohmann::json buckets = nlohmann::json::array();
  for (const LatencyHistogram::Values& values : workers) sum_ns += values.sum_ns;
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    for (const LatencyHistogram::Values& values : workers) count += values.counts[i];
    if (i + 1 == LatencyHistogram::kBuckets) break;  // it has no upper bound: its count is `count`
    buckets.push_back(
        {{"below_seconds", static_cast<double>(LatencyHistogram::bound_ns(i)) / kSecond}, {"count", count}});
  }
  return {{"name", "weir_packet_latency_seconds"},
          {"help", "Time from the reception of a packet to its transmission to the device of the other port"},
          {"buckets", std::move(buckets)},
          {"count", count},
          {"sum_seconds", static_cast<double>(sum_ns) / kSecond}};
}

}  // namespace weir::engine
