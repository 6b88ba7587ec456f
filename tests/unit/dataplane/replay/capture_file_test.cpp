#include "dataplane/replay/capture_file.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/replay/capture_writer.h"
#include "dataplane/replay/rule_source.h"
#include "tests/support/bytes.h"

namespace weir::replay {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using test::Bytes;

/// Writes integers of either byte order.
class FileBuilder {
 public:
  explicit FileBuilder(bool little_endian) : little_endian_(little_endian) {}

  FileBuilder& u32(std::uint32_t value) { return integer(value, 4); }
  FileBuilder& u16(std::uint32_t value) { return integer(value, 2); }
  FileBuilder& text(std::string_view bytes) {
    for (const char c : bytes) bytes_.push_back(static_cast<std::byte>(c));
    while (pad_ && bytes_.size() % 4 != 0) bytes_.push_back(std::byte{0});
    return *this;
  }

  FileBuilder& pcap_header(std::uint32_t magic, std::uint32_t link) {
    return u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(link);
  }
  FileBuilder& pcap_packet(std::uint32_t at, std::uint32_t fraction, std::string_view frame,
                           std::uint32_t original_bytes) {
    return u32(at)
        .u32(fraction)
        .u32(static_cast<std::uint32_t>(frame.size()))
        .u32(original_bytes)
        .text(frame);
  }

  FileBuilder& section() {
    pad_ = true;
    return u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4d).u16(1).u16(0).u32(0xffffffff).u32(0xffffffff).u32(28);
  }
  FileBuilder& interface(std::uint16_t link, int resolution = -1) {
    if (resolution < 0) return u32(1).u32(20).u16(link).u16(0).u32(0).u32(20);
    u32(1).u32(32).u16(link).u16(0).u32(0).u16(9).u16(1);
    return text(std::string(1, static_cast<char>(resolution))).u16(0).u16(0).u32(32);
  }
  FileBuilder& enhanced(std::uint32_t index, std::uint64_t time, std::string_view frame) {
    const auto padded = static_cast<std::uint32_t>((frame.size() + 3) / 4 * 4);
    u32(6).u32(32 + padded).u32(index).u32(static_cast<std::uint32_t>(time >> 32));
    u32(static_cast<std::uint32_t>(time)).u32(static_cast<std::uint32_t>(frame.size()));
    return u32(static_cast<std::uint32_t>(frame.size())).text(frame).u32(32 + padded);
  }
  FileBuilder& simple(std::string_view frame) {
    const auto padded = static_cast<std::uint32_t>((frame.size() + 3) / 4 * 4);
    return u32(3).u32(16 + padded).u32(static_cast<std::uint32_t>(frame.size())).text(frame).u32(16 + padded);
  }
  FileBuilder& block(std::uint32_t type) { return u32(type).u32(16).u32(0).u32(16); }

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  FileBuilder& integer(std::uint32_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t shift = 8 * (little_endian_ ? i : width - 1 - i);
      bytes_.push_back(static_cast<std::byte>(value >> shift & 0xff));
    }
    return *this;
  }

  Bytes bytes_;
  bool little_endian_;
  bool pad_ = false;
};

struct Read {
  std::vector<std::string> frames;
  std::vector<nanoseconds> times;
  std::vector<std::uint32_t> links;
  std::vector<std::uint32_t> original_bytes;
  CaptureStatus end = CaptureStatus::packet;
  std::size_t offset = 0;
  std::string problem;
};

Read read(std::span<const std::byte> file) {
  CaptureReader reader(file);
  Read result;
  CapturePacket packet;
  while ((result.end = reader.next(packet)) == CaptureStatus::packet) {
    result.frames.emplace_back(test::to_text(packet.frame));
    result.times.push_back(packet.time);
    result.links.push_back(packet.link.value);
    result.original_bytes.push_back(packet.original_bytes);
  }
  EXPECT_EQ(reader.next(packet), result.end) << "the status after the last packet does not change";
  result.offset = reader.offset();
  result.problem = reader.problem();
  return result;
}

TEST(CaptureReader, Pcap) {
  for (const bool little : {true, false}) {
    for (const bool fine : {true, false}) {
      const auto file = FileBuilder(little)
                            .pcap_header(fine ? 0xa1b23c4d : 0xa1b2c3d4, 113)
                            .pcap_packet(10, 7, "first", 5)
                            .pcap_packet(4000000000, 8, "", 1500);
      const Read got = read(file.bytes());
      EXPECT_EQ(got.end, CaptureStatus::end);
      EXPECT_EQ(got.frames, (std::vector<std::string>{"first", ""}));
      EXPECT_EQ(got.original_bytes, (std::vector<std::uint32_t>{5, 1500})) << "cut by the snapshot length";
      EXPECT_EQ(got.links, (std::vector<std::uint32_t>{113, 113}));
      const nanoseconds unit(fine ? 1 : 1000);
      EXPECT_EQ(got.times,
                (std::vector<nanoseconds>{seconds(10) + 7 * unit, seconds(4000000000) + 8 * unit}));
    }
  }
}

TEST(CaptureReader, Pcapng) {
  for (const bool little : {true, false}) {
    const auto file = FileBuilder(little)
                          .section()
                          .interface(1)
                          .interface(113, 9)
                          .interface(101, 0x80 + 10)
                          .block(0x0bad)
                          .enhanced(0, 1'500'000, "micro")
                          .enhanced(1, 1'500'000'000, "nano")
                          .enhanced(2, 1536, "binary")
                          .simple("simple")
                          .section()
                          .interface(276)
                          .enhanced(0, 5'000'000'000'000'000, "late");
    const Read got = read(file.bytes());
    EXPECT_EQ(got.problem, "");
    EXPECT_EQ(got.end, CaptureStatus::end);
    EXPECT_EQ(got.frames, (std::vector<std::string>{"micro", "nano", "binary", "simple", "late"}));
    EXPECT_EQ(got.links, (std::vector<std::uint32_t>{1, 113, 101, 1, 276}));
    const nanoseconds one_and_a_half(1'500'000'000);
    EXPECT_EQ(got.times, (std::vector<nanoseconds>{one_and_a_half, one_and_a_half, one_and_a_half, seconds(0),
                                                   seconds(5'000'000'000)}));
  }
}

TEST(CaptureReader, SectionsOfBothByteOrders) {
  Bytes file = FileBuilder(true).section().interface(1).enhanced(0, 1, "little").bytes();
  test::append(file, FileBuilder(false).section().interface(12).enhanced(0, 1, "big").bytes());
  EXPECT_EQ(read(file).frames, (std::vector<std::string>{"little", "big"}));
  EXPECT_EQ(read(file).links, (std::vector<std::uint32_t>{1, 12}));
}

TEST(CaptureReader, StopsAtDamage) {
  const auto header = [] { return FileBuilder(true).pcap_header(0xa1b2c3d4, 1); };
  const auto section = [] { return FileBuilder(true).section(); };
  struct Case {
    std::string what;
    Bytes file;
    std::size_t packets;
    std::size_t offset;
    std::string problem;
  };
  const std::vector<Case> cases{
      {"an empty file", {}, 0, 0, "neither pcap nor pcapng"},
      {"text", test::to_bytes("#!/bin/sh\n"), 0, 0, "neither pcap nor pcapng"},
      {"gzip", test::from_hex("1f8b0800 00000000"), 0, 0, "compressed with gzip: unpack it first (gunzip)"},
      {"a file header cut short", FileBuilder(true).u32(0xa1b2c3d4).bytes(), 0, 0, "file header cut short"},
      {"a packet header cut short", header().pcap_packet(1, 1, "abc", 3).u32(1).bytes(), 1, 43,
       "packet header cut short"},
      {"a packet cut short", header().u32(1).u32(1).u32(9).u32(9).text("abc").bytes(), 0, 24,
       "packet cut short"},
      {"a packet of 4 GB", header().u32(1).u32(1).u32(0xffffffff).u32(9).bytes(), 0, 24,
       "packet of 4294967295 bytes, at most 262144 expected"},
      {"no magic in the section", FileBuilder(true).u32(0x0a0d0d0a).u32(28).u32(1).bytes(), 0, 0,
       "section without byte-order magic"},
      {"a block cut short", section().u32(6).u32(64).u32(0).bytes(), 0, 28, "block cut short"},
      {"a block header cut short", section().u32(6).bytes(), 0, 28, "block header cut short"},
      {"a block that ends before it begins", section().u32(6).u32(8).u32(0).bytes(), 0, 28, "block length 8"},
      {"a packet without an interface", section().enhanced(0, 0, "abc").bytes(), 0, 28,
       "packet of interface 0, which has no description"},
      {"a packet longer than its block",
       section().interface(1).u32(6).u32(32).u32(0).u32(0).u32(0).u32(9).u32(9).u32(32).bytes(), 0, 48,
       "packet of 9 bytes does not fit its block"},
  };
  for (const Case& test : cases) {
    const Read got = read(test.file);
    EXPECT_EQ(got.end, CaptureStatus::broken) << test.what;
    EXPECT_EQ(got.frames.size(), test.packets) << test.what;
    EXPECT_EQ(got.offset, test.offset) << test.what;
    EXPECT_EQ(got.problem, test.problem) << test.what;
  }
}

TEST(CaptureReader, LinkTypes) {
  struct Case {
    std::uint32_t number;
    std::optional<proto::LinkType> link;
  };
  for (const auto& [number, link] :
       {Case{1, proto::LinkType::ethernet}, Case{12, proto::LinkType::raw_ip},
        Case{101, proto::LinkType::raw_ip}, Case{228, proto::LinkType::raw_ip},
        Case{229, proto::LinkType::raw_ip}, Case{113, proto::LinkType::linux_sll},
        Case{276, proto::LinkType::linux_sll2}, Case{0, proto::LinkType::loopback},
        Case{108, proto::LinkType::loopback}, Case{9, proto::LinkType::ppp}, Case{50, proto::LinkType::ppp},
        Case{105, std::nullopt}}) {
    EXPECT_EQ(link_type_of({number}), link) << number;
  }
}

TEST(CaptureWriter, WritesWhatTheReaderReads) {
  const auto path = std::filesystem::path(testing::TempDir()) / "weir_capture_writer_test.pcap";
  const Bytes frame = test::to_bytes("frame");
  for (const bool fine : {true, false}) {
    CaptureWriter writer(path, fine);
    writer.write(
        {.time = nanoseconds(1'000'000'123'456'789), .frame = frame, .original_bytes = 9, .link = {101}});
    writer.write({.time = nanoseconds(5), .frame = {}, .original_bytes = 0, .link = {101}});
    ASSERT_TRUE(writer.finish());
    const auto bytes = read_file(path);
    ASSERT_TRUE(bytes);
    const Read got = read(bytes.value());
    EXPECT_EQ(got.end, CaptureStatus::end);
    EXPECT_EQ(got.frames, (std::vector<std::string>{"frame", ""}));
    EXPECT_EQ(got.original_bytes, (std::vector<std::uint32_t>{9, 0}));
    EXPECT_EQ(got.links, (std::vector<std::uint32_t>{101, 101}));
    EXPECT_EQ(got.times[0].count(), fine ? 1'000'000'123'456'789 : 1'000'000'123'456'000);
  }
  std::filesystem::remove(path);
}

TEST(CaptureWriter, LeavesOutAndReportsASecondLinkType) {
  const auto path = std::filesystem::path(testing::TempDir()) / "weir_capture_mixed_test.pcap";
  CaptureWriter writer(path, false);
  const Bytes frame = test::to_bytes("frame");
  for (const std::uint32_t link : {1U, 113U, 1U}) {
    writer.write({.time = {}, .frame = frame, .original_bytes = 5, .link = {link}});
  }
  const auto status = writer.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "mixed_link_types");
  EXPECT_EQ(read(read_file(path).value()).frames.size(), 2U);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace weir::replay
