#include "dataplane/inspect/answer/answer_budget.h"

#include <chrono>
#include <cstddef>

#include <gtest/gtest.h>

namespace weir::inspect {
namespace {

using std::chrono::seconds;

proto::PacketView from(std::uint8_t last_byte, bool is_v6 = false) {
  proto::PacketView packet;
  packet.source.is_v6 = is_v6;
  packet.source.bytes[3] = std::byte{last_byte};
  return packet;
}

/// How many pages of 1000 go to the client at this time.
int pages(AnswerBudget& budget, const proto::PacketView& packet, const BlockPage& page, seconds now,
          AnswerKind answer = AnswerKind::http_page) {
  int sent = 0;
  for (int i = 0; i < 1000; ++i) {
    Verdict verdict{.answer = answer, .reset_server = true};
    const bool fits = budget.fit(packet, page, now, verdict);
    EXPECT_EQ(verdict.answer, fits ? answer : AnswerKind::reset);
    EXPECT_TRUE(verdict.reset_server);
    sent += fits ? 1 : 0;
  }
  return sent;
}

TEST(AnswerBudget, LimitsThePagesToOneDestination) {
  const BlockPage page = BlockPage::make({}).value();
  const auto page_bytes = page.response(false).size() + 2 * 74;
  const auto bytes_per_second = static_cast<unsigned>(10 * page_bytes);
  AnswerBudget budget(bytes_per_second);
  const int at_once = pages(budget, from(1), page, seconds(0));
  EXPECT_GE(at_once, 40);
  EXPECT_LE(at_once, 80) << "the smaller number of segments is less than two";
  EXPECT_EQ(pages(budget, from(1), page, seconds(0)), 0);
  EXPECT_EQ(pages(budget, from(2), page, seconds(0)), at_once) << "another destination has its own";
  const int later = pages(budget, from(1), page, seconds(1));
  EXPECT_GE(later, 10);
  EXPECT_LE(later, 20);
  EXPECT_EQ(pages(budget, from(1), page, seconds(100)), at_once);
}

TEST(AnswerBudget, WhatIsSmallerThanTheRequestIsNotLimited) {
  const BlockPage page = BlockPage::make({}).value();
  AnswerBudget budget(1);
  EXPECT_EQ(pages(budget, from(1), page, seconds(0)), 0);
  EXPECT_EQ(pages(budget, from(1), page, seconds(0), AnswerKind::tls_alert), 1000);
  EXPECT_EQ(pages(budget, from(1), page, seconds(0), AnswerKind::reset), 1000);
}

TEST(AnswerBudget, ZeroIsNoLimit) {
  const BlockPage page = BlockPage::make({}).value();
  AnswerBudget budget(0);
  EXPECT_EQ(pages(budget, from(1), page, seconds(0)), 1000);
}

// A subscriber has a /64, and whoever aims at one may forge any address in it.
TEST(AnswerBudget, AnIpv6NetworkIsOneDestination) {
  const BlockPage page = BlockPage::make({}).value();
  AnswerBudget budget(10000);
  proto::PacketView packet = from(1, true);
  EXPECT_GT(pages(budget, packet, page, seconds(0)), 0);
  packet.source.bytes[15] = std::byte{1};
  EXPECT_EQ(pages(budget, packet, page, seconds(0)), 0);
}

}  // namespace
}  // namespace weir::inspect
