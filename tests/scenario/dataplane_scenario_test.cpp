#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/dataplane_run.h"

namespace weir::scenario {
namespace {

/// Compares the frames of the two ends of a wire one by one.
void expect_same(const std::vector<Bytes>& replayed, const std::vector<Bytes>& sent, const char* side) {
  ASSERT_EQ(sent.size(), replayed.size()) << side;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(test::difference(replayed[i], sent[i]), "") << side << ", frame " << i + 1;
  }
}

/// Frames that went to the subscriber in addition to the network's, all of which must be there, in order.
std::vector<Bytes> answers(const DataplaneRun& run) {
  std::vector<Bytes> answers;
  std::size_t passed = 0;
  for (const Bytes& frame : run.to_subscriber) {
    if (passed < run.from_network.size() && frame == run.from_network[passed]) {
      ++passed;
    } else {
      answers.push_back(frame);
    }
  }
  EXPECT_EQ(passed, run.from_network.size()) << "frames from the network";
  return answers;
}

std::vector<Scenario> ethernet_scenarios() {
  std::vector<Scenario> scenarios = all_scenarios();
  // DPDK ports only support Ethernet.
  std::erase_if(scenarios, [](const Scenario& s) { return s.link != test::PcapLink::ethernet; });
  return scenarios;
}

class DataplaneScenario : public testing::TestWithParam<Scenario> {};

TEST_P(DataplaneScenario, SendsAndCountsWhatReplayDoesWhateverTheServerSends) {
  if (!std::filesystem::exists(program("weir-dataplane"))) {
    GTEST_SKIP() << program("weir-dataplane") << " is not built (libdpdk was not found)";
  }
  const Scenario& scenario = GetParam();
  const TemporaryDirectory directory;
  const ReplayRun replayed = replay(scenario, directory);
  ASSERT_EQ(replayed.finished.status, 0) << replayed.finished.err;
  const Outgoing expected = check_outgoing(scenario, replayed.frames);

  const DataplaneRun run = run_dataplane(scenario, directory, true);
  ASSERT_EQ(run.problem, "");
  auto outcomes = expected_outcomes(scenario);
  const bool bypass = scenario.settings.find("bypass") != std::string::npos;
  if (!run.from_network.empty()) {
    outcomes[bypass ? "forward_bypass" : "forward_not_candidate"] += run.from_network.size();
  }
  EXPECT_EQ(run.outcomes, outcomes);
  expect_same(expected.to_network, run.to_network, "to the network");
  expect_same(expected.to_subscriber, answers(run), "to the subscriber");
}

INSTANTIATE_TEST_SUITE_P(All, DataplaneScenario, testing::ValuesIn(ethernet_scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace weir::scenario
