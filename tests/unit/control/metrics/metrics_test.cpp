#include "control/metrics/metrics.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <prometheus/exposer.h>
#include <prometheus/text_serializer.h>

#include "control/metrics/exporter.h"
#include "control/metrics/gauges.h"

namespace weir::control {
namespace {

using nlohmann::json;

/// A box with one feed, whose dataplane answers everything that has a metric.
struct Box {
  config::Settings settings;
  View view;
  DataplaneStatus dataplane = read_dataplane_status(json::parse(
      R"({"enforcement":"monitor","snapshot":{"generation":7,"activated_unix_seconds":5},"uptime_seconds":1,
          "ports":[{"name":"p","link_up":true}],"workers":[{"lcore":1}],"flows":{},"mbufs":{}})"));

  Box() {
    settings.lists.resize(1);
    settings.lists[0].delta.url = "https://feed.example/changes?since={token}";
    view.state.lists.resize(1);
    view.state.lists[0].name = "hotline";
    view.contents.resize(1);
    view.health.resize(1);
  }
};

std::set<std::string> names_of(const std::vector<prometheus::MetricFamily>& families) {
  std::set<std::string> names;
  for (const auto& family : families) EXPECT_TRUE(names.insert(family.name).second) << family.name;
  return names;
}

// Dashboards and alerts rely on these names: a name may come, none may go.
TEST(Metrics, KeepTheirNames) {
  const Box box;
  EXPECT_EQ(names_of(control_metrics(box.settings, box.view, box.dataplane)),
            (std::set<std::string>{"weir_build_info", "weir_dataplane_up", "weir_list_deltas_total",
                                   "weir_list_entries", "weir_list_errors_total",
                                   "weir_list_last_attempt_timestamp_seconds",
                                   "weir_list_last_success_timestamp_seconds", "weir_list_max_age_seconds",
                                   "weir_snapshot_built_timestamp_seconds", "weir_snapshot_generation"}));
  EXPECT_EQ(names_of(dataplane_metrics(json::object(), box.dataplane)),
            (std::set<std::string>{"weir_dataplane_uptime_seconds", "weir_enforcement", "weir_flow_capacity",
                                   "weir_flows", "weir_lcore_busy_ratio", "weir_mbufs", "weir_port_link_up",
                                   "weir_port_missed_packets_total", "weir_port_received_bytes_total",
                                   "weir_port_received_packets_total", "weir_port_transmitted_bytes_total",
                                   "weir_port_transmitted_packets_total", "weir_rules_beyond_limit",
                                   "weir_rules_tripped", "weir_snapshot_active_timestamp_seconds"}));
  EXPECT_EQ(names_of(self_test_metrics({.findings = base::Error{"dataplane_down", "nobody answers"}})),
            (std::set<std::string>{"weir_selftest_success", "weir_selftest_timestamp_seconds"}));
  EXPECT_EQ(ReloadDurations().collect().name, "weir_reload_duration_seconds");
}

/// Every sample has the labels of its row, a counter ends in _total and nothing else does.
void expect_consistent(const std::vector<prometheus::MetricFamily>& families) {
  for (const auto& family : families) {
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_FALSE(family.metric.empty()) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == prometheus::MetricType::Counter) << family.name;
    for (const auto& metric : family.metric) {
      ASSERT_EQ(metric.label.size(), family.metric.front().label.size()) << family.name;
      for (const auto& label : metric.label) EXPECT_FALSE(label.name.empty()) << family.name;
    }
  }
}

TEST(Metrics, RowsFitTheirSamples) {
  Box box;
  box.view.health[0].count(Stage::verify, 3);
  box.view.health[0].deltas[base::index_of(DeltaResult::expired)] = 2;
  const auto control = control_metrics(box.settings, box.view, box.dataplane);
  const auto dataplane = dataplane_metrics(json::object(), box.dataplane);
  expect_consistent(control);
  expect_consistent(dataplane);
  std::string text = prometheus::TextSerializer().Serialize(control);
  text += prometheus::TextSerializer().Serialize(dataplane);
  for (const char* line : {"weir_dataplane_up 1\n", "weir_snapshot_generation{stage=\"active\"} 7\n",
                           "weir_list_errors_total{list=\"hotline\",stage=\"verify\"} 3\n",
                           "weir_list_deltas_total{list=\"hotline\",result=\"expired\"} 2\n",
                           "weir_enforcement{mode=\"enforce\"} 0\n", "weir_enforcement{mode=\"monitor\"} 1\n",
                           "weir_snapshot_active_timestamp_seconds 5\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(DataplaneMetrics, ExportsCountersAndPorts) {
  const json counters = json::parse(R"({"families":[{"name":"weir_packets_total","help":"h","type":"counter",
    "samples":[{"labels":{"outcome":"drop_blocked"},"value":7}]}],
    "histograms":[{"name":"weir_packet_latency_seconds","help":"h","count":8,"sum_seconds":0.5,
    "buckets":[{"below_seconds":0.25,"count":3},{"below_seconds":0.5,"count":7}]}]})");
  const json status = json::parse(R"({"tripped_rules":[7,9],"uptime_seconds":61,
    "ports":[{"name":"subscriber","received_packets":5,"link_up":true},{"name":"network","link_up":false}],
    "workers":[{"lcore":1,"busy_ratio":0.25}],"flows":{"capacity":10,"blocked":2},
    "mbufs":{"capacity":16,"in_use":3}})");
  const std::string text =
      prometheus::TextSerializer().Serialize(dataplane_metrics(counters, read_dataplane_status(status)));
  for (const char* line :
       {"weir_packets_total{outcome=\"drop_blocked\"} 7\n",
        "weir_port_received_packets_total{port=\"subscriber\"} 5\n",
        "weir_port_link_up{port=\"subscriber\"} 1\n", "weir_port_link_up{port=\"network\"} 0\n",
        "weir_flow_capacity 10\n", "weir_dataplane_uptime_seconds 61\n",
        "weir_packet_latency_seconds_bucket{le=\"0.25\"} 3\n",
        "weir_packet_latency_seconds_bucket{le=\"+Inf\"} 8\n", "weir_packet_latency_seconds_sum 0.5\n",
        "weir_packet_latency_seconds_count 8\n", "weir_rules_tripped 2\n",
        "weir_lcore_busy_ratio{lcore=\"1\"} 0.25\n", "weir_flows{state=\"blocked\"} 2\n",
        "weir_mbufs{state=\"in_use\"} 3\n", "weir_mbufs{state=\"capacity\"} 16\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(DataplaneMetrics, LeavesOutWhatItCannotRead) {
  for (const char* text :
       {"null", "[]", "1", R"({"families":1})", R"({"histograms":[1,{"name":"weir_x","count":"y"}]})",
        R"({"histograms":[{"name":"weir_x","count":1,"buckets":[1,{}]}],"tripped_rules":1})",
        R"({"families":[1,{"name":2},{"name":"weir_x","samples":[1,{}]}]})",
        R"({"families":[{"name":"weir_x","samples":[{"labels":[1],"value":"v"}]}]})",
        R"({"ports":[1,{}],"workers":[[],{"lcore":"x"}],"flows":[],"mbufs":[]})",
        R"({"ports":[{"link_up":1}],"uptime_seconds":"x"})"}) {
    const json bad = json::parse(text);
    DataplaneStatus dataplane;
    dataplane.raw = bad;
    prometheus::TextSerializer().Serialize(dataplane_metrics(bad, dataplane));
  }
}

TEST(ReloadDurations, CountsIntoCumulativeBuckets) {
  ReloadDurations durations;
  durations.observe("compile", 0.03);
  durations.observe("compile", 1000);
  const std::string text = prometheus::TextSerializer().Serialize({durations.collect()});
  for (const char* line : {"weir_reload_duration_seconds_count{stage=\"compile\"} 2\n",
                           "weir_reload_duration_seconds_bucket{stage=\"compile\",le=\"0.01\"} 0\n",
                           "weir_reload_duration_seconds_bucket{stage=\"compile\",le=\"0.05\"} 1\n",
                           "weir_reload_duration_seconds_bucket{stage=\"compile\",le=\"+Inf\"} 2\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ExposeMetrics, AUsedPortIsAnError) {
  const prometheus::Exposer other("127.0.0.1:0");
  const std::string listen = "127.0.0.1:" + std::to_string(other.GetListeningPorts().at(0));
  const auto exposed = expose_metrics(listen, nullptr);
  ASSERT_FALSE(exposed);
  EXPECT_EQ(exposed.error().code, "metrics_listen");
  EXPECT_NE(exposed.error().message.find(listen), std::string::npos);
}

}  // namespace
}  // namespace weir::control
