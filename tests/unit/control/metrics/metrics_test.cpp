#include "control/metrics/metrics.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <prometheus/exposer.h>
#include <prometheus/text_serializer.h>

namespace weir::control {
namespace {

using nlohmann::json;

TEST(DataplaneMetrics, ExportsCountersAndPorts) {
  const json counters = json::parse(R"({"families":[{"name":"weir_packets_total","help":"h","type":"counter",
    "samples":[{"labels":{"outcome":"drop_blocked"},"value":7}]}],
    "histograms":[{"name":"weir_packet_latency_seconds","help":"h","count":8,"sum_seconds":0.5,
    "buckets":[{"below_seconds":0.25,"count":3},{"below_seconds":0.5,"count":7}]}]})");
  const json status = json::parse(R"({"tripped_rules":[7,9],"uptime_seconds":61,
    "ports":[{"name":"subscriber","received_packets":5,"link_up":true},{"name":"network","link_up":false}],
    "workers":[{"lcore":1,"busy_ratio":0.25}],"flows":{"capacity":10,"blocked":2},
    "mbufs":{"capacity":16,"in_use":3}})");
  const std::string text = prometheus::TextSerializer().Serialize(dataplane_metrics(counters, status));
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

TEST(DataplaneMetrics, LeavesOutWhatIsNotOfTheAgreedShape) {
  for (const char* text :
       {"null", "[]", "1", R"({"families":1})", R"({"histograms":[1,{"name":"weir_x","count":"y"}]})",
        R"({"histograms":[{"name":"weir_x","count":1,"buckets":[1,{}]}],"tripped_rules":1})",
        R"({"families":[1,{"name":2},{"name":"weir_x","samples":[1,{}]}]})",
        R"({"families":[{"name":"weir_x","samples":[{"labels":[1],"value":"v"}]}]})",
        R"({"ports":[1,{}],"workers":[[],{"lcore":"x"}],"flows":[],"mbufs":[]})",
        R"({"ports":[{"link_up":1}],"uptime_seconds":"x"})"}) {
    const json bad = json::parse(text);
    prometheus::TextSerializer().Serialize(dataplane_metrics(bad, bad));
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

TEST(ExposeMetrics, ATakenPortIsAnError) {
  const prometheus::Exposer other("127.0.0.1:0");
  const std::string listen = "127.0.0.1:" + std::to_string(other.GetListeningPorts().at(0));
  const auto exposed = expose_metrics(listen, nullptr);
  ASSERT_FALSE(exposed);
  EXPECT_EQ(exposed.error().code, "metrics_listen");
  EXPECT_NE(exposed.error().message.find(listen), std::string::npos);
}

}  // namespace
}  // namespace weir::control
