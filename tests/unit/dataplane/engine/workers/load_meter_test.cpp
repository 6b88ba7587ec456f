#include "dataplane/engine/workers/load_meter.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

TEST(LoadMeter, RatioIsThatOfTheLastInterval) {
  LoadMeter load(2);
  EXPECT_EQ(load.ratio(0), 0);
  load.sample(0, 500, 1000);
  EXPECT_EQ(load.ratio(0), 0) << "one sample is no interval";
  load.sample(0, 750, 2000);
  EXPECT_DOUBLE_EQ(load.ratio(0), 0.25);
  load.sample(0, 750, 3000);
  EXPECT_DOUBLE_EQ(load.ratio(0), 0);
  load.sample(0, 5000, 4000);
  EXPECT_DOUBLE_EQ(load.ratio(0), 1) << "a turn that began before the interval";
  load.sample(0, 5000, 4000);
  EXPECT_DOUBLE_EQ(load.ratio(0), 1) << "no time has passed";
  EXPECT_EQ(load.ratio(1), 0);
}

TEST(HeartbeatWatch, EachWorkerMustMove) {
  struct Case {
    const char* description;
    std::vector<std::uint64_t> heartbeats;
    bool alive;
  };
  const Case cases[] = {
      {"first look", {0, 0}, true}, {"both move", {1, 5}, true},   {"one stands", {2, 5}, false},
      {"it goes on", {3, 6}, true}, {"both stand", {3, 6}, false}, {"wrapped around", {0, 7}, true},
      {"the other", {0, 8}, false},
  };
  HeartbeatWatch watch;
  for (const Case& row : cases) EXPECT_EQ(watch.all_alive(row.heartbeats), row.alive) << row.description;
}

}  // namespace
}  // namespace weir::engine
