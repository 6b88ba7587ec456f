#include "dataplane/engine/socket/counters_report.h"

#include <optional>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {
namespace {

using nlohmann::json;

const json& family(const json& report, std::string_view name) {
  for (const json& each : report.at("families")) {
    if (each.at("name") == name) return each;
  }
  throw std::out_of_range(std::string(name));
}

std::optional<std::uint64_t> value(const json& report, std::string_view name, const json& labels) {
  for (const json& sample : family(report, name).at("samples")) {
    if (sample.at("labels") == labels) return sample.at("value").get<std::uint64_t>();
  }
  return std::nullopt;
}

class CountersReport : public testing::Test {
 protected:
  json report(const match::SnapshotView* snapshot) const {
    const std::array<const base::Counters*, 2> workers{&first_, &second_};
    return counters_report(workers, snapshot);
  }
  base::Counters first_;
  base::Counters second_;
};

TEST_F(CountersReport, EveryFamilyIsThereAndSummed) {
  first_.add(base::Outcome::forward_passed, 3);
  second_.add(base::Outcome::forward_passed, 4);
  second_.add(base::Counter::requests, base::index_of(base::Protocol::tls),
              base::index_of(base::RequestVerdict::block));
  first_.add(base::Counter::flow_evictions);
  const json got = report(nullptr);
  EXPECT_EQ(got.at("families").size(), base::kCounters.size());
  EXPECT_EQ(value(got, "weir_packets_total", {{"outcome", "forward_passed"}}), 7U);
  EXPECT_EQ(value(got, "weir_packets_total", {{"outcome", "drop_tx_full"}}), 0U) << "zeroes are samples too";
  EXPECT_EQ(value(got, "weir_requests_total", {{"protocol", "tls"}, {"verdict", "block"}}), 1U);
  EXPECT_EQ(value(got, "weir_flow_evictions_total", json::object()), 1U);
  EXPECT_EQ(family(got, "weir_packets_total").at("type"), "counter");
  EXPECT_EQ(family(got, "weir_packets_total").at("samples").size(), base::kOutcomes.size());
}

TEST_F(CountersReport, ListsAreNamedByTheSnapshot) {
  const auto bytes = snapshot_bytes(1, {"hotline", "local"});
  const auto view = match::SnapshotView::open(bytes);
  ASSERT_TRUE(view.ok()) << view.error().message;
  first_.add(base::Counter::blocked, base::index_of(base::Protocol::http), 1, 5);
  first_.add(base::Counter::unenforceable, 9, 0, 2);
  const json got = report(&view.value());
  EXPECT_EQ(value(got, "weir_blocked_total", {{"protocol", "http"}, {"list", "local"}}), 5U);
  EXPECT_EQ(value(got, "weir_blocked_total", {{"protocol", "http"}, {"list", "hotline"}}), 0U);
  EXPECT_EQ(family(got, "weir_blocked_total").at("samples").size(), 2 * base::kProtocols.size())
      << "zero samples of lists beyond the snapshot's are left out";
  EXPECT_EQ(value(got, "weir_unenforceable_total", {{"list", "removed-9"}}), 2U)
      << "nothing counted is hidden";
}

TEST_F(CountersReport, WithoutASnapshotThereAreNoLists) {
  EXPECT_TRUE(family(report(nullptr), "weir_unenforceable_total").at("samples").empty());
}

}  // namespace
}  // namespace weir::engine
