#include "tests/unit/dataplane/inspect/tcp/stream_steps.h"

#include <gtest/gtest.h>

namespace weir::test {

void run_stream(TestInspector& inspector, const match::SnapshotView* rules, const StreamCase& test,
                std::uint32_t base) {
  for (const StreamStep& step : test.steps) {
    inspector.now += step.later;
    PacketBuilder packet = PacketBuilder()
                               .ethernet()
                               .ipv4("10.0.0.1", "192.0.2.1")
                               .tcp(1234, 80)
                               .seq(base + step.sequence)
                               .ack(5000)
                               .flags(step.flags)
                               .payload(step.payload);
    if (step.checksum) packet.checksum(*step.checksum);
    if (step.urgent != 0) packet.urgent(step.urgent);
    const auto verdict = inspector.inspect(packet.build(), rules);
    const std::string where = test.name + ": " + step.what + " from " + std::to_string(base);
    EXPECT_EQ(summary(verdict), step.outcome) << where;
    if (step.server_next) {
      EXPECT_TRUE(verdict.reset_server) << where;
      EXPECT_EQ(verdict.server_next, base + *step.server_next) << where;
    }
    if (step.client_end) {
      EXPECT_EQ(verdict.client_end, base + *step.client_end) << where;
    }
  }
}

void run_streams(const match::SnapshotView* rules, const std::vector<StreamCase>& tests) {
  for (const StreamCase& test : tests) {
    for (const std::uint32_t base : {1000U, 0U, 0xffffffffU, 0xfffffff0U, 0x7ffffff8U}) {
      TestInspector inspector({.flow_capacity = 64, .reassembly_bytes = 1 << 20});
      run_stream(inspector, rules, test, base);
    }
  }
}

}  // namespace weir::test
