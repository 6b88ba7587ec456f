#include "dataplane/engine/supervisor/self_test.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

using nlohmann::json;

/// The outcomes and answers, in the order of the results: by worker, by protocol, listed before unlisted.
std::vector<std::string> summary(const json& report) {
  std::vector<std::string> lines;
  for (const json& result : report.at("results")) {
    lines.push_back(
        result.at("protocol").get<std::string>() + (result.at("listed") ? " listed " : " unlisted ") +
        (result.contains("error")
             ? result.at("error").get<std::string>()
             : result.at("outcome").get<std::string>() + ' ' + result.at("answer").get<std::string>()));
  }
  return lines;
}

/// Runs the self-test while the workers run.
json run(Wire& wire, const inspect::InspectorSettings& settings = {}) {
  SelfTest self_test(settings, wire.workers());
  wire.start_for_long();
  const auto report = self_test.run("listed.example", "other.example");
  wire.stop();
  return report.value();
}

TEST(SelfTest, ListedRequestsAreBlockedOnEachWorkerAndUnlistedOnesPass) {
  for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
    Wire wire({.workers = workers});
    const json report = run(wire);
    std::vector<std::string> expected;
    for (unsigned i = 0; i < workers; ++i) {
      expected.insert(expected.end(),
                      {"http listed drop_blocked http_page", "http unlisted forward_passed none",
                       "tls listed drop_blocked tls_alert", "tls unlisted forward_passed none",
                       "quic listed drop_blocked quic_close", "quic unlisted forward_passed none"});
    }
    EXPECT_EQ(summary(report), expected);
    EXPECT_EQ(report["results"][0]["rule"], 7);
    // The page and its FIN, and a RST to the server.
    EXPECT_GE(report["results"][0]["answer_frames"], 2);
    EXPECT_TRUE(report["not_inspected"].empty());
    // Nothing was received, nothing sent.
    EXPECT_EQ(wire.outcomes(), 0U);
    EXPECT_TRUE(wire.subscriber().receive().empty());
    EXPECT_TRUE(wire.network().receive().empty());
    wire.expect_conservation();
  }
}

TEST(SelfTest, CanRunAgain) {
  Wire wire;
  SelfTest self_test({}, wire.workers());
  wire.start_for_long();
  const auto first = self_test.run("listed.example", "other.example");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(summary(self_test.run("listed.example", "other.example").value()), summary(first.value()));
  }
  wire.stop();
}

TEST(SelfTest, ReportsWhatIsNotBlocked) {
  struct Case {
    std::string what;
    WireOptions options;
    std::string listed;
  };
  for (const Case& test :
       {Case{"no list", {.with_list = false}, "forward_passed none"},
        Case{"monitor", {.enforcement = base::Enforcement::monitor}, "forward_monitor none"},
        Case{"bypass", {.enforcement = base::Enforcement::bypass}, "forward_bypass none"}}) {
    Wire wire(test.options);
    EXPECT_EQ(summary(run(wire))[0], "http listed " + test.listed) << test.what;
  }
}

TEST(SelfTest, LeavesOutWhatIsNotInspected) {
  Wire wire;
  const json report = run(wire, {.inspect_tls = false, .inspect_quic = false});
  EXPECT_EQ(summary(report).size(), 2U);
  EXPECT_EQ(report["not_inspected"], (json{"tls", "quic"}));
}

TEST(SelfTest, ReportsAWorkerThatStandsStill) {
  Wire wire;
  SelfTest self_test({}, wire.workers());
  // Twice: when the second run begins, the worker still has the frame of the first.
  for (int i = 0; i < 2; ++i) {
    const auto report = self_test.run("listed.example", "other.example");
    EXPECT_EQ(summary(report.value()), std::vector<std::string>{"http listed worker_silent"});
  }
  wire.start_for_long();
  while (!wire.worker().probe().idle()) std::this_thread::yield();
  EXPECT_EQ(summary(self_test.run("listed.example", "other.example").value()).size(), 6U);
  wire.stop();
}

TEST(SelfTest, RefusesInvalidHosts) {
  Wire wire;
  SelfTest self_test({}, wire.workers());
  for (const std::string& host :
       {std::string(), std::string("Upper.example"), std::string("a/b"), std::string(300, 'a')}) {
    const auto report = self_test.run("listed.example", host);
    ASSERT_FALSE(report.ok()) << host;
    EXPECT_EQ(report.error().code, "invalid_params");
  }
}

}  // namespace
}  // namespace weir::engine
