#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/scenario/catalogue/catalogue.h"

namespace weir::scenario {
namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// Converts a line of --json to the scenario's notation.
std::string summary(const std::string& line) {
  const json request = json::parse(line);
  std::string text = request["packet"].dump();
  for (const char* key : {"protocol", "verdict", "host"}) text += ' ' + text_of(request[key]);
  if (!request["port"].is_null()) text += ':' + request["port"].dump();
  if (!request["path"].is_null()) text += text_of(request["path"]);
  if (!request["query"].is_null()) text += '?' + text_of(request["query"]);
  text += ' ' + text_of(request["reason"]);
  if (!request["rule"].is_null()) text += ' ' + request["rule"].dump();
  if (request["ech"] == true) text += " ech";
  EXPECT_EQ(request["list"].is_null(), request["rule"].is_null()) << line;
  return text;
}

class ReplayScenario : public testing::TestWithParam<Scenario> {};

TEST_P(ReplayScenario, VerdictsPacketsAndConservation) {
  const Scenario& scenario = GetParam();
  const TemporaryDirectory directory;
  const ReplayRun run = replay(scenario, directory);
  ASSERT_EQ(run.finished.status, 0) << run.finished.err;

  std::vector<std::string> requests;
  for (const std::string& line : lines_of(run.finished.out)) requests.push_back(summary(line));
  EXPECT_EQ(requests.size(), scenario.requests.size());
  for (std::size_t i = 0; i < std::min(requests.size(), scenario.requests.size()); ++i)
    EXPECT_EQ(requests[i], scenario.requests[i]);

  EXPECT_EQ(run.link, static_cast<std::uint32_t>(scenario.link));
  check_outgoing(scenario, run.frames);

  const json stats = json::parse(run.finished.err);
  std::uint64_t outcomes = 0;
  std::uint64_t forwarded = 0;
  const auto expected = expected_outcomes(scenario);
  for (const auto& [outcome, count] : stats["outcomes"].items()) {
    const auto found = expected.find(outcome);
    EXPECT_EQ(count, found == expected.end() ? 0 : found->second) << outcome;
    outcomes += count.get<std::uint64_t>();
    if (outcome.starts_with("forward_")) forwarded += count.get<std::uint64_t>();
  }
  EXPECT_EQ(stats["packets"], scenario.steps.size());
  EXPECT_EQ(outcomes, scenario.steps.size()) << "every packet has one outcome";
  const auto injected =
      stats["injected"]["client"].get<std::uint64_t>() + stats["injected"]["server"].get<std::uint64_t>();
  EXPECT_EQ(run.frames.size(), forwarded + injected) << "what left is what was forwarded and injected";
  std::uint64_t reasons = 0;
  for (const auto& reason : stats["reasons"].items()) reasons += reason.value().get<std::uint64_t>();
  EXPECT_EQ(reasons, scenario.requests.size());
}

INSTANTIATE_TEST_SUITE_P(All, ReplayScenario, testing::ValuesIn(all_scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace weir::scenario
