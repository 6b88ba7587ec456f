#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inspect_fixture.h"
#include "support/http_text.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::PacketBuilder;
using test::summary;

const std::string kListed = "listed.example.com";

class FragmentInspection : public testing::Test {
 protected:
  /// A listed request in fragments of 48 bytes.
  static std::vector<Bytes> listed(std::uint32_t id = 7, const std::string& host = kListed) {
    return test::segment().payload(test::http_get(host)).build_fragments(48, id);
  }
  std::string inspect(const Bytes& frame, Direction direction = Direction::from_subscriber,
                      Enforcement enforcement = Enforcement::enforce) {
    verdict_ = inspector_.inspect(frame, snapshot_.view(), direction, enforcement);
    return summary(verdict_);
  }

  test::TestSnapshot snapshot_{{{.name = "list", .lines = {kListed}}}};
  test::TestInspector inspector_;
  Verdict verdict_;
  std::uint32_t identification_ = 100;
};

TEST_F(FragmentInspection, TheCompletingOneIsDroppedAndWhatComesLater) {
  const auto pieces = listed();
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(inspect(pieces[i]), "forward_fragment") << i;
  EXPECT_EQ(inspect(pieces.back()), "drop_blocked http_page");
  ASSERT_NE(verdict_.reassembled, nullptr);
  EXPECT_EQ(verdict_.reassembled->destination_port, 80);
  EXPECT_EQ(verdict_.server_next, 1000U);
  EXPECT_EQ(inspector_.take_requests(), std::vector<std::string>{"http block listed.example.com/ listed 1"});
  for (const Bytes& piece : pieces) {
    EXPECT_EQ(inspect(piece), "drop_blocked_flow") << "no answer: its sender has one";
    EXPECT_EQ(verdict_.reassembled, nullptr);
  }
  EXPECT_EQ(inspect(test::http_segment(test::http_get(kListed))), "drop_blocked_flow http_page")
      << "the connection is blocked as if the request had come whole";
}

TEST_F(FragmentInspection, TheVerdictOfTheWholeIsThatOfTheLastFragment) {
  const auto pieces = listed(8, "passed.example.com");
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(inspect(pieces[i]), "forward_fragment");
  EXPECT_EQ(inspect(pieces.back()), "forward_passed");
  EXPECT_EQ(inspect(pieces.back()), "forward_fragment") << "a copy is no request of its own";
  EXPECT_EQ(inspector_.take_requests().size(), 1U);
}

TEST_F(FragmentInspection, MonitorTouchesNothing) {
  const auto pieces = listed();
  const auto monitor = [&](const Bytes& frame) {
    return inspect(frame, Direction::from_subscriber, Enforcement::monitor);
  };
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(monitor(pieces[i]), "forward_fragment");
  EXPECT_EQ(monitor(pieces.back()), "forward_monitor");
  EXPECT_EQ(monitor(pieces.front()), "forward_fragment");
  EXPECT_EQ(monitor(listed(9)[0]), "forward_fragment");
  EXPECT_EQ(monitor(test::segment().payload("conflict" + test::http_get(kListed)).build_fragments(64, 9)[0]),
            "forward_fragment")
      << "an overlap";
}

TEST_F(FragmentInspection, WhatComesFromTheNetworkIsNotKept) {
  for (const Bytes& piece : listed()) {
    EXPECT_EQ(inspect(piece, Direction::from_network), "forward_fragment");
  }
  EXPECT_TRUE(inspector_.take_requests().empty());
  EXPECT_EQ(inspect(listed()[1]), "forward_fragment") << "nothing is there that it could complete";
}

TEST_F(FragmentInspection, BypassLooksAtNothing) {
  for (const Bytes& piece : listed()) {
    EXPECT_EQ(inspect(piece, Direction::from_subscriber, Enforcement::bypass), "forward_bypass");
  }
}

/// One level more than is put together passes, as anything that cannot be read does.
TEST_F(FragmentInspection, FragmentsOfFragmentsToThreeLevels) {
  for (std::size_t levels = 1; levels <= 4; ++levels) {
    std::vector<Bytes> frames{PacketBuilder()
                                  .ipv4("10.0.0.1", "192.0.2.1")
                                  .tcp(static_cast<std::uint16_t>(2000 + levels), 80)
                                  .payload(test::http_get(kListed))
                                  .build()};
    for (std::size_t level = 1; level <= levels; ++level) {
      std::vector<Bytes> pieces;
      for (const Bytes& frame : frames) {
        // The packet is its header of 20 bytes and content; the header is made anew around each piece.
        PacketBuilder builder = level == levels ? PacketBuilder().ethernet() : PacketBuilder();
        builder.ipv4("198.51.100." + std::to_string(level), "198.51.100.9").protocol(4).payload(frame);
        for (Bytes& piece : builder.build_fragments(frame.size() > 64 ? 64 : 8, ++identification_)) {
          pieces.push_back(std::move(piece));
        }
      }
      frames = std::move(pieces);
    }
    std::string last;
    for (const Bytes& frame : frames) last = inspect(frame);
    EXPECT_EQ(last.starts_with("drop_blocked"), levels <= 3) << levels << ' ' << last;
  }
}

}  // namespace
}  // namespace weir::inspect
