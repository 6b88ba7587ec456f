#include "dataplane/engine/socket/event_report.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include <rte_cycles.h>

namespace weir::engine {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t kMostPerWorker = EventRing::kSlots;

/// Converts the workers' clock, which counts the processor's cycles, to the system's time.
class WorkerClock {
 public:
  WorkerClock()
      : now_(static_cast<double>(rte_rdtsc()) / static_cast<double>(rte_get_tsc_hz())),
        system_now_(Seconds(std::chrono::system_clock::now().time_since_epoch()).count()) {}

  [[nodiscard]] double unix_seconds(std::chrono::nanoseconds time) const {
    return system_now_ - (now_ - Seconds(time).count());
  }

 private:
  double now_;
  double system_now_;
};

}  // namespace

nlohmann::json take_events(const std::vector<std::unique_ptr<Worker>>& workers,
                           const match::SnapshotView* snapshot, bool skip) {
  const WorkerClock clock;
  nlohmann::json events = nlohmann::json::array();
  std::uint64_t lost = 0;
  for (const auto& worker : workers) {
    if (skip) {
      worker->events().skip();
      continue;
    }
    lost += worker->events().take(kMostPerWorker, [&](const BlockEvent& event) {
      const bool named = snapshot != nullptr && event.list.value < snapshot->list_count();
      events.push_back(
          {{"time", clock.unix_seconds(event.time)},
           {"rule", event.rule.value},
           {"list", named ? nlohmann::json(snapshot->list_name(event.list)) : nlohmann::json(nullptr)},
           {"protocol", base::to_string(event.protocol)}});
    });
  }
  return {{"events", std::move(events)}, {"lost", lost}};
}

}  // namespace weir::engine
