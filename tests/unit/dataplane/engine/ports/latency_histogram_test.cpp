#include "dataplane/engine/ports/latency_histogram.h"

#include <array>

#include <gtest/gtest.h>

#include "dataplane/engine/socket/counters_report.h"

namespace weir::engine {
namespace {

TEST(LatencyHistogram, ABucketForEachPowerOfTwo) {
  struct Place {
    std::uint64_t ns;
    std::size_t bucket;
  };
  for (const Place& row : {Place{0, 0}, Place{255, 0}, Place{256, 1}, Place{511, 1}, Place{512, 2},
                           Place{1000000, 12}, Place{1ULL << 31, 23}, Place{1ULL << 60, 23}}) {
    LatencyHistogram histogram;
    histogram.add(row.ns, 3);
    const auto values = histogram.values();
    for (std::size_t i = 0; i < values.counts.size(); ++i) {
      EXPECT_EQ(values.counts[i], i == row.bucket ? 3U : 0U) << row.ns << " in " << i;
    }
    EXPECT_EQ(values.sum_ns, row.ns * 3);
    if (row.bucket + 1 < LatencyHistogram::kBuckets) {
      EXPECT_LT(row.ns, LatencyHistogram::bound_ns(row.bucket));
    }
    if (row.bucket > 0) {
      EXPECT_GE(row.ns, LatencyHistogram::bound_ns(row.bucket - 1));
    }
  }
}

TEST(LatencyHistogram, IsReportedTogetherAndCumulative) {
  LatencyHistogram first;
  LatencyHistogram second;
  first.add(100, 2);
  second.add(300, 5);
  second.add(1ULL << 40, 1);
  const std::array<LatencyHistogram::Values, 2> values{first.values(), second.values()};
  const nlohmann::json report = latency_report(values);
  EXPECT_EQ(report.at("name"), "weir_packet_latency_seconds");
  EXPECT_EQ(report.at("count"), 8U);
  const nlohmann::json& buckets = report.at("buckets");
  ASSERT_EQ(buckets.size(), LatencyHistogram::kBuckets - 1);
  EXPECT_EQ(buckets[0].at("count"), 2U);
  EXPECT_DOUBLE_EQ(buckets[0].at("below_seconds"), 256e-9);
  EXPECT_EQ(buckets[1].at("count"), 7U);
  EXPECT_EQ(buckets.back().at("count"), 7U) << "the slowest one is beyond every bound";
  EXPECT_DOUBLE_EQ(report.at("sum_seconds"), (200.0 + 1500.0 + static_cast<double>(1ULL << 40)) / 1e9);
}

}  // namespace
}  // namespace weir::engine
