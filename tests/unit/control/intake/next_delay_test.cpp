#include <chrono>

#include <gtest/gtest.h>

#include "control/intake/feed.h"

namespace weir::control {
namespace {

TEST(NextDelay, Table) {
  using std::chrono::milliseconds;
  struct Case {
    const char* description;
    int interval_seconds;
    unsigned failures;
    double spread;
    int retry_after_seconds;
    int delay_ms;
  };
  const Case cases[] = {
      {"after a success never before the interval", 1800, 0, 0.0, 0, 1800000},
      {"spread over a tenth of it", 1800, 0, 0.5, 0, 1890000},
      {"first failure: sooner", 1800, 1, 0.0, 0, 5000},
      {"first failure, spread", 1800, 1, 0.5, 0, 7500},
      {"backs off", 1800, 3, 0.0, 0, 20000},
      {"up to the interval", 1800, 30, 0.0, 0, 900000},
      {"however many failures", 1800, 4000000000U, 0.0, 0, 900000},
      {"a short interval is not lengthened", 2, 1, 0.0, 0, 1000},
      {"not before the server wants it", 1800, 1, 0.5, 120, 122500},
      {"nor after a success", 1800, 0, 0.5, 3600, 3690000},
      {"a wish for less", 1800, 3, 0.0, 1, 20000},
      {"within a day", 1800, 1, 0.0, 100000000, 86400000},
      {"never a negative one", 1800, 1, 0.0, -7, 5000},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(next_delay(std::chrono::seconds(each.interval_seconds), each.failures, each.spread,
                         std::chrono::seconds(each.retry_after_seconds)),
              milliseconds(each.delay_ms))
        << each.description;
  }
}

}  // namespace
}  // namespace weir::control
