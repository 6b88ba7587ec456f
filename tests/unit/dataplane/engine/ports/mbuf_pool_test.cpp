#include "dataplane/engine/ports/mbuf_pool.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

TEST(Descriptors, NeverTakeEveryBuffer) {
  struct Case {
    const char* description;
    std::uint32_t mbufs;
    std::uint32_t queues;
    std::uint32_t workers;
    std::uint16_t expected;
  };
  const Case cases[] = {
      {"the defaults", 16384, 2, 1, 1024},
      {"two workers", 16384, 4, 2, 1024},
      {"four workers", 16384, 8, 4, 512},
      {"a small pool", 2048, 2, 1, 256},
      {"the smallest", 2 * 2 * 64 + 512, 2, 1, 64},
      {"one too few", 2 * 2 * 64 + 511, 2, 1, 0},
      {"nothing", 0, 2, 1, 0},
      {"no overflow", 0xffffffff, 0xffffffff, 1, 0},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(descriptors_for(row.mbufs, row.queues, row.workers), row.expected) << row.description;
  }
}

TEST(MbufPool, FrameSizeIsChecked) {
  LogCapture log;
  for (const std::uint32_t bytes : {0U, 1535U, 65408U, 0xffffffffU}) {
    const auto pool = make_mbuf_pool({.count = 1024, .frame_bytes = bytes}, log);
    ASSERT_FALSE(pool.ok()) << bytes;
    EXPECT_NE(pool.error().message.find("expected 1536 to 65407"), std::string::npos) << pool.error().message;
  }
}

}  // namespace
}  // namespace weir::engine
