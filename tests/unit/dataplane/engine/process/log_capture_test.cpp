#include "dataplane/engine/process/log_capture.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::engine {
namespace {

TEST(LogCapture, CauseIsTheFirstLineThatSpeaksOfFailure) {
  struct Case {
    const char* description;
    const char* text;
    const char* cause;
  };
  const Case cases[] = {
      {"nothing said", "", ""},
      {"no failure: the last line", "EAL: Detected CPU lcores: 2\nEAL: Detected NUMA nodes: 1\n",
       "EAL: Detected NUMA nodes: 1"},
      {"the cause before its consequences",
       "EAL: Detected CPU lcores: 2\nsocket: ioctl failed (SIOCGIFINDEX)\nEAL: Driver cannot attach the "
       "device\n",
       "socket: ioctl failed (SIOCGIFINDEX)"},
      {"in any case", "TAP: Unable to open\nlater\n", "TAP: Unable to open"},
      {"blank lines", "\n\nEAL: invalid option\n\n", "EAL: invalid option"},
      {"a line without end is not complete", "EAL: Cannot", ""},
      {"no escape sequence passes", "EAL: error \x1b[2J\n", "EAL: error  [2J"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    LogCapture capture;
    std::fputs(row.text, capture.stream());
    EXPECT_EQ(capture.cause_since(0), row.cause);
  }
}

TEST(LogCapture, LooksOnlyAfterTheMark) {
  LogCapture capture;
  std::fputs("first error\n", capture.stream());
  const std::size_t mark = capture.mark();
  EXPECT_EQ(capture.cause_since(mark), "");
  std::fputs("second error\n", capture.stream());
  EXPECT_EQ(capture.cause_since(mark), "second error");
  EXPECT_EQ(capture.cause_since(mark + 100), "");
}

TEST(LogCapture, KeepsABoundedNumberOfBoundedLines) {
  LogCapture capture;
  for (int i = 0; i < 10000; ++i) std::fprintf(capture.stream(), "line %d\n", i);
  EXPECT_EQ(capture.mark(), 10000U);
  EXPECT_EQ(capture.cause_since(0), "line 9999");
  const std::string longest(1 << 20, 'e');
  std::fprintf(capture.stream(), "%s\n", longest.c_str());
  EXPECT_LE(capture.cause_since(10000).size(), 512U);
}

TEST(LogCapture, SinkGetsWholeLines) {
  std::vector<std::string> lines;
  LogCapture capture([&](std::string_view line) { lines.emplace_back(line); });
  std::fputs("EAL: a", capture.stream());
  EXPECT_TRUE(lines.empty());
  std::fputs("b\nEAL: c\nd", capture.stream());
  EXPECT_THAT(lines, testing::ElementsAre("EAL: ab", "EAL: c"));
}

TEST(LogCapture, SinkThatThrowsDoesNotReachTheCaller) {
  LogCapture capture([](std::string_view) { throw std::bad_alloc(); });
  std::fputs("EAL: error\n", capture.stream());
  EXPECT_EQ(capture.cause_since(0), "EAL: error");
}

TEST(LogCapture, ScopeTakesStandardStreamsAndGivesThemBack) {
  std::FILE* const out = stdout;
  std::FILE* const error = stderr;
  LogCapture capture;
  {
    const LogCapture::StdioScope scope(capture);
    std::fprintf(stderr, "unrecognized option\n");
    std::printf("Usage\n");
  }
  EXPECT_EQ(stdout, out);
  EXPECT_EQ(stderr, error);
  EXPECT_EQ(capture.mark(), 2U);
  EXPECT_EQ(capture.cause_since(0), "unrecognized option");
}

TEST(LogCapture, ManyThreadsMayWrite) {
  LogCapture capture;
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) std::fputs("EAL: failed\n", capture.stream());
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(capture.mark(), 2000U);
}

}  // namespace
}  // namespace weir::engine
