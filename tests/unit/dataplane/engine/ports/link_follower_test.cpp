#include "dataplane/engine/ports/link_follower.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using std::chrono::seconds;
using Step = LinkFollower::Step;

constexpr auto kNone = Step::none;
constexpr auto kDown = Step::take_down;
constexpr auto kUp = Step::bring_up;

struct Look {
  const char* what;
  int at_seconds;
  std::array<bool, 2> up;
  std::array<Step, 2> steps;
};
struct Story {
  const char* what;
  std::vector<Look> looks;
};

TEST(LinkFollower, ThePeerGoesDownAndComesBack) {
  const Story stories[] = {
      {"both up: nothing", {{"", 1, {true, true}, {kNone, kNone}}, {"", 100, {true, true}, {kNone, kNone}}}},
      {"one lost, and found",
       {{"up", 1, {true, true}, {kNone, kNone}},
        {"lost", 2, {false, true}, {kNone, kDown}},
        {"what it did itself shows as down", 3, {false, false}, {kNone, kNone}},
        {"still", 300, {false, false}, {kNone, kNone}},
        {"found", 301, {true, false}, {kNone, kUp}},
        {"the peer's link takes its time", 303, {true, false}, {kNone, kNone}},
        {"up", 304, {true, true}, {kNone, kNone}}}},
      {"the other way round",
       {{"up", 1, {true, true}, {kNone, kNone}},
        {"lost", 2, {true, false}, {kDown, kNone}},
        {"found", 3, {false, true}, {kUp, kNone}}}},
      {"a peer that does not come back counts as lost itself",
       {{"up", 1, {true, true}, {kNone, kNone}},
        {"lost", 2, {false, true}, {kNone, kDown}},
        {"found", 3, {true, false}, {kNone, kUp}},
        {"wait", 12, {true, false}, {kNone, kNone}},
        {"the peer has no link either", 13, {true, false}, {kDown, kNone}}}},
      {"a second loss is seen at once",
       {{"up", 1, {true, true}, {kNone, kNone}},
        {"lost", 2, {false, true}, {kNone, kDown}},
        {"found", 3, {true, false}, {kNone, kUp}},
        {"up", 4, {true, true}, {kNone, kNone}},
        {"lost", 5, {true, false}, {kDown, kNone}}}},
      {"at the start links have time to come up",
       {{"", 1, {true, false}, {kNone, kNone}},
        {"", 9, {true, false}, {kNone, kNone}},
        {"never came", 10, {true, false}, {kDown, kNone}}}},
      {"both lost at once: neither is taken down, each shows its own",
       {{"up", 1, {true, true}, {kNone, kNone}},
        {"lost", 2, {false, false}, {kNone, kNone}},
        {"one is back, the other is not", 30, {true, false}, {kDown, kNone}},
        {"both", 31, {false, true}, {kUp, kNone}}}},
  };
  for (const Story& row : stories) {
    const LinkFollower::Clock::time_point start{};
    LinkFollower follower(start);
    for (const Look& look : row.looks) {
      SCOPED_TRACE(std::string(row.what) + ": " + look.what + " at " + std::to_string(look.at_seconds));
      EXPECT_EQ(follower.look(look.up, start + seconds(look.at_seconds)), look.steps);
    }
  }
}

TEST(LinkFollower, KnowsWhatItTookDown) {
  const LinkFollower::Clock::time_point start{};
  LinkFollower follower(start);
  follower.look({true, true}, start);
  follower.look({true, false}, start + seconds(1));
  EXPECT_TRUE(follower.is_down(0));
  EXPECT_FALSE(follower.is_down(1));
  follower.look({false, true}, start + seconds(2));
  EXPECT_FALSE(follower.is_down(0));
}

}  // namespace
}  // namespace weir::engine
