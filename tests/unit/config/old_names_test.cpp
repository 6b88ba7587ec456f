#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/schema.h"
#include "config/settings.h"

namespace weir::config {
namespace {

// Configurations that older versions read must still load, and the operator is told the new names.
struct OldNameCase {
  const char* description;
  const char* text;
  std::string_view notice;
  bool (*took_it)(const Settings& settings);
};

const OldNameCase kOldNames[] = {
    {"a key of a list", "lists: [{name: a, url: 'https://feed.example/', profile: hosts}]",
     "lists[0].profile: now called format; the old name still works",
     [](const Settings& s) { return s.lists[0].format == ListFormat::hosts; }},
    {"a key of the dataplane", "dataplane: {fail: {handover: closed}}",
     "dataplane.fail.handover: now called handoff; the old name still works",
     [](const Settings& s) { return s.dataplane.fail.handoff == FailMode::closed; }},
    {"a value",
     "dataplane: {mode: routed, ports: [{name: p, device: d, role: hop, addresses: [192.0.2.1/24], "
     "next_hops: [192.0.2.2]}]}",
     "dataplane.ports[0].role: 'hop' is now called 'one-arm'; the old name still works",
     [](const Settings& s) { return s.dataplane.ports[0].role == PortRole::one_arm; }},
};

std::vector<std::string> notices_of_old_names(const Settings& settings) {
  std::vector<std::string> notices;
  for (const std::string& notice : setting_notices(settings)) {
    if (notice.find("the old name still works") != std::string::npos) notices.push_back(notice);
  }
  return notices;
}

TEST(OldNames, AreReadAndNoticed) {
  for (const OldNameCase& each : kOldNames) {
    const auto settings = parse_settings(each.text, "f", Audience::control);
    ASSERT_TRUE(settings) << each.description << ": " << settings.error().message;
    EXPECT_TRUE(each.took_it(settings.value())) << each.description;
    EXPECT_EQ(notices_of_old_names(settings.value()), std::vector<std::string>{std::string(each.notice)})
        << each.description;
  }
}

TEST(OldNames, AreNoticedOnce) {
  const auto settings = parse_settings(
      "lists:\n"
      "  - {name: a, url: 'https://feed.example/a', profile: csv}\n"
      "  - {name: b, url: 'https://feed.example/b', profile: json}\n",
      "f", Audience::control);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().lists[1].format, ListFormat::json);
  EXPECT_EQ(notices_of_old_names(settings.value()),
            std::vector<std::string>{"lists[0].profile: now called format; the old name still works"});
}

TEST(OldNames, AreNotNoticedWhereTheNewOnesAreUsed) {
  const auto settings = parse_settings("lists: [{name: a, url: 'https://feed.example/', format: hosts}]", "f",
                                       Audience::control);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_TRUE(notices_of_old_names(settings.value()).empty());
}

struct RefusedCase {
  const char* text;
  const char* message;
};

TEST(OldNames, HaveTheProblemsOfTheNewOnes) {
  // Old names and new ones together.
  for (const RefusedCase& each : {
           RefusedCase{
               "dataplane:\n  fail:\n    handoff: open\n    handover: open\n",
               "f:4: dataplane.fail.handoff: given twice: as 'handover' here and as 'handoff' in line "
               "3, expected only 'handoff'"},
           // The old name first.
           RefusedCase{
               "dataplane:\n  fail:\n    handover: open\n    handoff: open\n",
               "f:4: dataplane.fail.handoff: given twice: as 'handoff' here and as 'handover' in line "
               "3, expected only 'handoff'"},
           // An old name twice.
           RefusedCase{"dataplane:\n  fail:\n    handover: open\n    handover: open\n",
                       "f:4: dataplane.fail.handoff: given twice (first in line 3), expected each key once"},
           RefusedCase{"dataplane: {fail: {handover: ajar}}",
                       "f:1: dataplane.fail.handoff: found 'ajar' under the old key 'handover', expected one "
                       "of open, closed"},
           RefusedCase{"dataplane: {handover: open}",
                       "f:1: dataplane.handover: unknown key, expected one of eal, mode, enforcement, ports, "
                       "workers, idle, socket, snapshot_dir, inspect, block, mbufs, flows, fragments, fail, "
                       "routed, breaker, latency_histogram, user, seccomp, lock_memory, link_follow"},
       }) {
    const auto settings = parse_settings(each.text, "f", Audience::control);
    ASSERT_FALSE(settings) << each.text;
    EXPECT_EQ(settings.error().message, each.message);
  }
}

// An old key that is also a current one would be read as the wrong setting.
template <class Target>
void expect_free(std::span<const Row<Target>> rows) {
  for (const Row<Target>& row : rows) {
    if (row.traits.formerly.empty()) continue;
    const std::string old =
        std::string(row.key.substr(0, row.key.rfind('.') + 1)) + std::string(row.traits.formerly);
    for (const Row<Target>& other : rows) {
      EXPECT_NE(other.key, old);
      EXPECT_FALSE(other.key.starts_with(old + "."));
    }
  }
}

TEST(OldNames, AreNotInUseForOtherSettings) {
  expect_free(settings_rows());
  expect_free(port_rows());
  expect_free(list_rows());
}

}  // namespace
}  // namespace weir::config
