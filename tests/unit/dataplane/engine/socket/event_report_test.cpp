#include "dataplane/engine/socket/event_report.h"

#include <chrono>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

using nlohmann::json;

Bytes request(std::string_view host, std::uint16_t port) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "10.0.0.2")
      .tcp(port, 80)
      .seq(1000)
      .ack(2000)
      .flags("PA")
      .payload("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
      .build();
}

TEST(EventReport, ReportsListedRequestsOnly) {
  Wire wire;
  wire.subscriber().send(request("listed.example", 40001));
  wire.subscriber().send(request("passed.example", 40002));
  wire.subscriber().send(request("listed.example", 40003));
  wire.subscriber().send(request("listed.example", 40003));  // sent again: the same request
  const double before =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  wire.run();
  const json report = take_events(wire.workers(), nullptr, false);
  ASSERT_EQ(report["events"].size(), 2U) << report.dump();
  EXPECT_EQ(report["lost"], 0);
  for (const json& event : report["events"]) {
    EXPECT_EQ(event["rule"], 7);
    EXPECT_EQ(event["protocol"], "http");
    EXPECT_EQ(event["list"], nullptr);  // no snapshot that names it
    EXPECT_EQ(event.size(), 4U) << "nothing about the subscriber: " << event.dump();
    EXPECT_GT(event["time"].get<double>(), before - 10);
    EXPECT_LT(event["time"].get<double>(), before + 600);
  }
  EXPECT_TRUE(take_events(wire.workers(), nullptr, false)["events"].empty());
}

TEST(EventReport, SkipsOldEvents) {
  Wire wire;
  wire.subscriber().send(request("listed.example", 40001));
  wire.run();
  EXPECT_TRUE(take_events(wire.workers(), nullptr, true)["events"].empty());
  EXPECT_TRUE(take_events(wire.workers(), nullptr, false)["events"].empty());
}

}  // namespace
}  // namespace weir::engine
