#include "dataplane/rpc/line_framer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::rpc {
namespace {

constexpr std::size_t kLimit = 8;

struct Case {
  const char* description;
  std::vector<std::string> pieces;
  std::vector<std::string> lines;
  bool too_long;
};

TEST(LineFramer, CutsLinesWithinTheLimit) {
  const std::vector<Case> cases{
      {"nothing", {}, {}, false},
      {"a whole line", {"abc\n"}, {"abc"}, false},
      {"a line in pieces", {"a", "b", "c", "\n"}, {"abc"}, false},
      {"several lines in one piece", {"a\nb\nc\n"}, {"a", "b", "c"}, false},
      {"a line and the start of another", {"a\nb", "c\n"}, {"a", "bc"}, false},
      {"empty lines", {"\n\n"}, {"", ""}, false},
      {"NUL is a byte as others", {std::string("a\0b\n", 4)}, {std::string("a\0b", 3)}, false},
      {"exactly the limit", {"12345678\n"}, {"12345678"}, false},
      {"one more", {"123456789\n"}, {}, true},
      {"one more without an end", {"123456789"}, {}, true},
      {"good lines before a long one count", {"a\n123456789"}, {"a"}, true},
      {"nothing after a long line counts", {"123456789\na\n", "b\n"}, {}, true},
  };
  for (const auto& each : cases) {
    LineFramer framer(kLimit);
    std::vector<std::string> lines;
    for (const auto& piece : each.pieces) {
      framer.append(piece);
      while (const auto line = framer.next()) lines.emplace_back(*line);
    }
    EXPECT_EQ(lines, each.lines) << each.description;
    EXPECT_EQ(framer.too_long(), each.too_long) << each.description;
  }
}

TEST(LineFramer, ReturnsTheSameLinesHoweverTheBytesArrive) {
  const std::string bytes = "one\ntwo\n\nthree\n";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    LineFramer framer(kLimit);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      framer.append(std::string_view(bytes).substr(at, size));
      while (const auto line = framer.next()) lines.emplace_back(*line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "three"})) << size;
    EXPECT_EQ(framer.buffered_bytes(), 0U) << size;
  }
}

}  // namespace
}  // namespace weir::rpc
