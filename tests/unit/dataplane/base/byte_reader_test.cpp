#include "dataplane/base/byte_reader.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

constexpr std::array<std::byte, 6> kBytes{std::byte{0x01}, std::byte{0x02}, std::byte{0xfe},
                                          std::byte{0xff}, std::byte{0x80}, std::byte{0x7f}};

TEST(ByteReader, ReadsIntegersInNetworkOrder) {
  EXPECT_EQ(ByteReader(kBytes).u8(), 0x01);
  EXPECT_EQ(ByteReader(kBytes).u16(), 0x0102);
  EXPECT_EQ(ByteReader(kBytes).u24(), 0x0102feU);
  EXPECT_EQ(ByteReader(kBytes).u32(), 0x0102feffU);
}

TEST(ByteReader, WorksAtCompileTime) {
  constexpr auto second = [] {
    ByteReader reader(kBytes);
    reader.skip(2);
    return reader.u16();
  }();
  static_assert(second == 0xfeff);
  EXPECT_EQ(second, 0xfeff);
}

TEST(ByteReader, GoesOnFromWhereItStopped) {
  ByteReader reader(kBytes);
  EXPECT_EQ(reader.u16(), 0x0102);
  const auto two = reader.bytes(2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two.data(), kBytes.data() + 2);
  EXPECT_EQ(reader.position(), 4U);
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_EQ(reader.rest().data(), kBytes.data() + 4);
  EXPECT_EQ(reader.u16(), 0x807f);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.ok());
}

TEST(ByteReader, ReadingNothingAtTheEndIsNoFailure) {
  ByteReader reader(kBytes);
  reader.skip(kBytes.size());
  EXPECT_TRUE(reader.bytes(0).empty());
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_TRUE(reader.ok());
}

struct Overrun {
  const char* description;
  std::size_t skip;
  void (*read)(ByteReader&);
};

TEST(ByteReader, LatchesTheFirstReadPastTheEnd) {
  const Overrun rows[] = {
      {"a byte at the end", 6, [](ByteReader& r) { EXPECT_EQ(r.u8(), 0); }},
      {"half a u16", 5, [](ByteReader& r) { EXPECT_EQ(r.u16(), 0); }},
      {"two thirds of a u24", 4, [](ByteReader& r) { EXPECT_EQ(r.u24(), 0U); }},
      {"three quarters of a u32", 3, [](ByteReader& r) { EXPECT_EQ(r.u32(), 0U); }},
      {"one byte too many", 0, [](ByteReader& r) { EXPECT_TRUE(r.bytes(7).empty()); }},
      {"a length that would overflow", 1, [](ByteReader& r) { EXPECT_TRUE(r.bytes(SIZE_MAX).empty()); }},
      {"a skip past the end", 2, [](ByteReader& r) { r.skip(5); }},
  };
  for (const Overrun& row : rows) {
    SCOPED_TRACE(row.description);
    ByteReader reader(kBytes);
    reader.skip(row.skip);
    row.read(reader);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_TRUE(reader.rest().empty());
    // Reads that would fit are refused from now on, too, so that one ok() at the end covers all reads.
    EXPECT_EQ(reader.u8(), 0);
    EXPECT_TRUE(reader.bytes(0).empty());
    EXPECT_FALSE(reader.ok());
  }
}

TEST(ByteReader, AnEmptyInputHoldsNothing) {
  ByteReader reader({});
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace weir::base
