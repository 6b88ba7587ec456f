#include "control/formats/block_source.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/control/formats/gzip_member.h"

namespace weir::formats {
namespace {

constexpr std::size_t kRoom = std::size_t{1} << 20;

/// All of a source, or the code of its error.
std::string read_all(std::string_view bytes, std::size_t max_bytes) {
  const auto source = open_blocks(bytes, max_bytes);
  std::string all;
  while (true) {
    const auto block = source->next();
    if (!block) return "error " + block.error().code;
    if (block.value().empty()) return all;
    all += block.value();
  }
}

TEST(BlockSource, GivesPlainBytesAsTheyAre) {
  EXPECT_EQ(read_all("", kRoom), "");
  EXPECT_EQ(read_all("example.com\n", kRoom), "example.com\n");
}

TEST(BlockSource, UnpacksMembersOneAfterTheOther) {
  const std::string long_text(300000, 'a');
  EXPECT_EQ(read_all(gzip_member("example.com\n"), kRoom), "example.com\n");
  EXPECT_EQ(read_all(gzip_member(""), kRoom), "");
  EXPECT_EQ(read_all(gzip_member("one\n") + gzip_member("") + gzip_member("two\n"), kRoom), "one\ntwo\n");
  EXPECT_EQ(read_all(gzip_member(long_text), kRoom), long_text);
}

TEST(BlockSource, SeesWhereDataEndsEarlyOrIsDamaged) {
  const std::string whole = gzip_member("one.example\ntwo.example\n");
  for (std::size_t size = 2; size < whole.size(); ++size)
    EXPECT_EQ(read_all(std::string_view(whole).substr(0, size), kRoom), "error parse_truncated") << size;
  EXPECT_EQ(read_all(whole + "more", kRoom), "error parse_gzip");
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  EXPECT_EQ(read_all(damaged, kRoom), "error parse_gzip");
}

TEST(BlockSource, BoundsWhatItUnpacks) {
  const std::string bomb = gzip_member(std::string(kRoom + 1, '#'));
  EXPECT_LT(bomb.size(), kRoom / 100);
  EXPECT_EQ(read_all(bomb, kRoom), "error parse_too_large");
  EXPECT_EQ(read_all(gzip_member(std::string(kRoom, '#')), kRoom).size(), kRoom);
  // Members together, too.
  const std::string half = gzip_member(std::string(kRoom / 2 + 1, '#'));
  EXPECT_EQ(read_all(half + half, kRoom), "error parse_too_large");
}

}  // namespace
}  // namespace weir::formats
