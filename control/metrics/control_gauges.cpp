// The rows of the metrics that weir-control takes from its own state: lists, generations, self-test.

#include <algorithm>
#include <functional>

#include "control/metrics/gauges.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

using prometheus::MetricType;

void each_list(const ControlState& state, Samples& samples,
               const std::function<double(std::size_t list)>& value) {
  for (std::size_t i = 0; i < state.view.state.lists.size(); ++i)
    samples.add({state.view.state.lists[i].name}, value(i));
}

void list_entries(const ControlState& state, Samples& samples) {
  for (std::size_t i = 0; i < state.view.state.lists.size(); ++i) {
    const std::string& name = state.view.state.lists[i].name;
    const RuleSet* rules = state.view.contents[i] == nullptr ? nullptr : &state.view.contents[i]->rules;
    const std::size_t whole = rules == nullptr ? 0 : rules->whole_host_rules();
    const std::size_t paths = rules == nullptr ? 0 : rules->size() - whole;
    samples.add({name, "whole_host"}, static_cast<double>(whole));
    samples.add({name, "path"}, static_cast<double>(paths));
  }
}

template <class Counts>
double count_of(const Counts& counts, const char* key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0.0 : static_cast<double>(found->second);
}

void list_errors(const ControlState& state, Samples& samples) {
  for (std::size_t i = 0; i < state.view.health.size(); ++i) {
    for (const char* stage : {"fetch", "verify", "parse", "guard", "publish"}) {
      samples.add({state.view.state.lists[i].name, stage},
                  count_of(state.view.health[i].errors_by_stage, stage));
    }
  }
}

void list_deltas(const ControlState& state, Samples& samples) {
  for (std::size_t i = 0; i < state.view.health.size(); ++i) {
    if (state.settings.lists[i].delta.url.empty()) continue;
    for (const char* result : {"applied", "expired", "refused"}) {
      samples.add({state.view.state.lists[i].name, result}, count_of(state.view.health[i].deltas, result));
    }
  }
}

constexpr std::array<GaugeRow<ControlState>, 10> kControlGauges{{
    {.name = "weir_build_info",
     .help = "Version of weir-control; always 1",
     .labels = {"version", "revision"},
     .read =
         [](const ControlState&, Samples& samples) {
           samples.add({base::version(), base::git_revision()}, 1);
         }},
    {.name = "weir_dataplane_up",
     .help = "1 if the dataplane answers, else 0",
     .read = [](const ControlState& state, Samples& samples) { samples.add(state.dataplane.up ? 1 : 0); }},
    {.name = "weir_snapshot_generation",
     .help = "The generation that was built last, and the active one",
     .labels = {"stage"},
     .read =
         [](const ControlState& state, Samples& samples) {
           samples.add({"built"}, static_cast<double>(state.view.state.generation.value));
           if (state.dataplane.up)
             samples.add({"active"}, static_cast<double>(state.dataplane.generation.value));
         }},
    {.name = "weir_snapshot_built_timestamp_seconds",
     .help = "When the last generation was built",
     .read =
         [](const ControlState& state, Samples& samples) {
           samples.add(static_cast<double>(state.view.state.created_unix_seconds));
         }},
    {.name = "weir_list_entries",
     .help = "Entries of a list by kind",
     .labels = {"list", "kind"},
     .read = list_entries},
    {.name = "weir_list_errors_total",
     .help = "Failed updates of a list by the stage that failed; for parse also the refused lines",
     .type = MetricType::Counter,
     .labels = {"list", "stage"},
     .read = list_errors},
    {.name = "weir_list_deltas_total",
     .help = "Requests for the changes of a feed: applied, expired (the server no longer has them), or "
             "refused; after expired and refused the whole list is fetched",
     .type = MetricType::Counter,
     .labels = {"list", "result"},
     .read = list_deltas},
    {.name = "weir_list_last_attempt_timestamp_seconds",
     .help = "When a feed was last asked",
     .labels = {"list"},
     .read =
         [](const ControlState& state, Samples& samples) {
           each_list(state, samples, [&state](std::size_t i) {
             return static_cast<double>(std::max(state.view.state.lists[i].last_attempt_unix_seconds,
                                                 state.view.health[i].last_attempt_unix_seconds));
           });
         }},
    {.name = "weir_list_last_success_timestamp_seconds",
     .help = "When a feed last gave a good list",
     .labels = {"list"},
     .read =
         [](const ControlState& state, Samples& samples) {
           each_list(state, samples, [&state](std::size_t i) {
             return static_cast<double>(state.view.state.lists[i].last_success_unix_seconds);
           });
         }},
    {.name = "weir_list_max_age_seconds",
     .help = "Age at which a feed counts as stale",
     .labels = {"list"},
     .read =
         [](const ControlState& state, Samples& samples) {
           each_list(state, samples, [&state](std::size_t i) {
             return static_cast<double>(state.settings.lists[i].max_age.count());
           });
         }},
}};

/// Calls `sample(protocol, passed)`. A self-test that could not be made has failed on every protocol.
void each_protocol(const SelfTestReport& report,
                   const std::function<void(std::string_view protocol, bool passed)>& sample) {
  if (report.findings) {
    for (const auto& [protocol, passed] : report.findings.value().success) sample(protocol, passed);
    return;
  }
  for (const char* protocol : {"http", "tls", "quic"}) sample(protocol, false);
}

constexpr std::array<GaugeRow<SelfTestReport>, 2> kSelfTestGauges{{
    {.name = "weir_selftest_success",
     .help = "1 if every worker blocked the canary and passed the unlisted host, else 0",
     .labels = {"protocol"},
     .read =
         [](const SelfTestReport& report, Samples& samples) {
           each_protocol(report, [&samples](std::string_view protocol, bool passed) {
             samples.add({protocol}, passed ? 1 : 0);
           });
         }},
    {.name = "weir_selftest_timestamp_seconds",
     .help = "When the last self-test was made",
     .labels = {"protocol"},
     .read =
         [](const SelfTestReport& report, Samples& samples) {
           each_protocol(report, [&](std::string_view protocol, bool) {
             samples.add({protocol}, static_cast<double>(report.time_unix_seconds));
           });
         }},
}};

}  // namespace

std::span<const GaugeRow<ControlState>> control_gauges() noexcept { return kControlGauges; }
std::span<const GaugeRow<SelfTestReport>> self_test_gauges() noexcept { return kSelfTestGauges; }

}  // namespace weir::control
