#include "dataplane/flow/fragment_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace weir::flow {
namespace {

using proto::LinkType;
using std::chrono::seconds;
using test::Bytes;
using test::PacketBuilder;

/// `offset text more`: a fragment in the tables below.
struct Piece {
  std::uint32_t offset;
  std::string text;
  bool more;
};

std::string name_of(FragmentFate fate) {
  switch (fate) {
    case FragmentFate::kept:
      return "kept";
    case FragmentFate::untracked:
      return "untracked";
    case FragmentFate::duplicate:
      return "duplicate";
    case FragmentFate::complete:
      return "complete";
    case FragmentFate::overlap:
      return "overlap";
    case FragmentFate::replaced:
      return "replaced";
    case FragmentFate::full:
      return "full";
    case FragmentFate::blocked:
      return "blocked";
  }
  return "?";
}

class Fragments : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] Bytes frame(const Piece& piece, std::uint32_t id = 7, const std::string& from = "1") const {
    PacketBuilder builder = PacketBuilder().ethernet().vlan(5);
    if (GetParam()) {
      builder.ipv6("2001:db8::" + from, "2001:db8::ff").fragment(piece.offset, piece.more, id);
    } else {
      builder.ipv4("10.0.0." + from, "192.0.2.1").fragment(piece.offset, piece.more, id);
    }
    return builder.protocol(6).payload(piece.text).build();
  }

  FragmentResult add_frame(const Bytes& bytes) {
    const auto view = proto::parse_packet(bytes, LinkType::ethernet);
    EXPECT_EQ(view.packet_class, proto::PacketClass::fragment);
    return table_.add(view, start_, now_, buffer_);
  }

  std::string add(const Piece& piece, std::uint32_t id = 7, const std::string& from = "1") {
    const Bytes bytes = frame(piece, id, from);
    result_ = add_frame(bytes);
    content_.clear();
    if (result_.fate != FragmentFate::complete) return name_of(result_.fate);
    const auto view = proto::parse_reassembled(proto::parse_packet(bytes, LinkType::ethernet), result_.frame,
                                               result_.ip_offset);
    EXPECT_EQ(view.ip_offset, 18U);
    EXPECT_EQ(view.tunnels, 0);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + 18, result_.frame.begin())) << "the link header";
    EXPECT_EQ(view.ip_protocol, 6);
    EXPECT_EQ(view.source, proto::parse_packet(bytes, LinkType::ethernet).source);
    EXPECT_EQ(view.destination, proto::parse_packet(bytes, LinkType::ethernet).destination);
    content_ = test::to_text(result_.frame.subspan(view.transport_offset));
    return "complete " + (content_.size() > 64 ? std::to_string(content_.size()) : content_);
  }

  [[nodiscard]] seconds lifetime() const {
    return GetParam() ? FragmentTable::kIpv6Lifetime : FragmentTable::kIpv4Lifetime;
  }

  FragmentTable table_{0};
  FragmentStart start_ = FragmentStart::telling;
  Bytes buffer_ = Bytes(FragmentTable::kBufferBytes);
  std::chrono::nanoseconds now_{seconds(1000)};
  FragmentResult result_;
  std::string content_;
};

TEST_P(Fragments, OneTable) {
  struct Row {
    std::string description;
    std::vector<Piece> pieces;
    std::vector<std::string> fates;
  };
  const bool v6 = GetParam();
  const std::vector<Row> rows{
      {"in order", {{0, "aaaaaaaa", true}, {8, "bbb", false}}, {"kept", "complete aaaaaaaabbb"}},
      {"reversed", {{8, "bbb", false}, {0, "aaaaaaaa", true}}, {"kept", "complete aaaaaaaabbb"}},
      {"shuffled",
       {{16, "cccccccc", true}, {24, "d", false}, {0, "aaaaaaaa", true}, {8, "bbbbbbbb", true}},
       {"kept", "kept", "kept", "complete aaaaaaaabbbbbbbbccccccccd"}},
      {"a copy before the end",
       {{0, "aaaaaaaa", true}, {0, "aaaaaaaa", true}, {8, "bbb", false}},
       {"kept", "duplicate", "complete aaaaaaaabbb"}},
      {"copies of the last and after the end",
       {{8, "bbb", false},
        {8, "bbb", false},
        {0, "aaaaaaaa", true},
        {8, "bbb", false},
        {0, "aaaaaaaa", true}},
       {"kept", "duplicate", "complete aaaaaaaabbb", "duplicate", "duplicate"}},
      {"the same place, other bytes: the packet is spoiled",
       {{0, "aaaaaaaa", true}, {0, "aaaaaaaX", true}, {8, "bbb", false}, {0, "aaaaaaaa", true}},
       {"kept", "overlap", "overlap", "overlap"}},
      {"the same bytes, cut elsewhere",
       {{0, "aaaaaaaabbbbbbbb", true}, {8, "bbbbbbbb", true}, {16, "c", false}},
       {"kept", "overlap", "overlap"}},
      {"a longer copy", {{0, "aaaaaaaa", true}, {0, "aaaaaaaabbbbbbbb", true}}, {"kept", "overlap"}},
      {"a part of two",
       {{0, "aaaaaaaa", true}, {8, "bbbbbbbb", true}, {0, "aaaaaaaabbbbbbbb", true}},
       {"kept", "kept", "overlap"}},
      {"the tail overlaps", {{8, "bbbbbbbb", true}, {0, "aaaaaaaaaaaaaaaa", true}}, {"kept", "overlap"}},
      {"two ends", {{8, "bbb", false}, {16, "c", false}}, {"kept", "overlap"}},
      {"two ends, the later one shorter", {{16, "c", false}, {8, "bbb", false}}, {"kept", "overlap"}},
      {"beyond the end", {{8, "bbb", false}, {16, "cccccccc", true}}, {"kept", "overlap"}},
      {"an end before what was seen", {{16, "cccccccc", true}, {8, "bbb", false}}, {"kept", "overlap"}},
      {"the last one again, with more to come",
       {{8, "bbbbbbbb", false}, {8, "bbbbbbbb", true}},
       {"kept", "overlap"}},
      {"contradiction beyond the end is dropped by itself",
       {{0, "aaaaaaaa", true}, {8, "bbb", false}, {8, "BBB", false}, {8, "bbb", false}},
       {"kept", "complete aaaaaaaabbb", "overlap", "duplicate"}},
      {"no content", {{8, "", false}, {0, "", true}}, {"untracked", "untracked"}},
      {"a ragged one: IPv6 discards it, IPv4 takes the whole units",
       {{0, "aaaaaaaabb", true}, {8, "bbb", false}},
       v6 ? std::vector<std::string>{"untracked", "kept"}
          : std::vector<std::string>{"kept", "complete aaaaaaaabbb"}},
      {"beyond the largest packet", {{65528, "aaaaaaaa", false}}, {"untracked"}},
  };
  std::uint32_t id = 100;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    std::vector<std::string> fates;
    for (const Piece& piece : row.pieces) fates.push_back(add(piece, id));
    EXPECT_EQ(fates, row.fates);
    ++id;
  }
  EXPECT_EQ(table_.evictions(), 0U);
}

TEST_P(Fragments, EveryOrderOfFourAndEverySize) {
  std::uint32_t id = 1;
  for (const std::size_t size : {8U, 1016U, 1024U, 1480U, 1488U, 8000U}) {
    std::string whole;
    while (whole.size() < size * 3 + 5) whole += static_cast<char>('a' + whole.size() / 3 % 26);
    std::vector<int> order{0, 1, 2, 3};
    do {
      ++id;
      for (std::size_t i = 0; i < 4; ++i) {
        const auto at = static_cast<std::size_t>(order[i]) * size;
        const std::string fate =
            add({static_cast<std::uint32_t>(at), whole.substr(at, size), order[i] < 3}, id);
        ASSERT_EQ(fate == "kept", i < 3) << size << ' ' << fate;
      }
      ASSERT_EQ(result_.fate, FragmentFate::complete) << size;
      ASSERT_EQ(content_, whole);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_P(Fragments, TheLargestPacket) {
  const std::size_t most = 65535 - (GetParam() ? 0 : 20);
  const std::string whole(most, 'w');
  std::string fate;
  for (std::size_t at = 0; at < most; at += 1480) {
    fate = add({static_cast<std::uint32_t>(at), whole.substr(at, 1480), at + 1480 < most});
  }
  EXPECT_EQ(fate, "complete " + std::to_string(most));
  EXPECT_EQ(content_, whole);
  EXPECT_EQ(add({static_cast<std::uint32_t>(most / 8 * 8), "12345678", false}, 8), "untracked");
}

TEST_P(Fragments, PacketsAreToldApart) {
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 7, "1"), "kept");
  EXPECT_EQ(add({8, "b", false}, 8, "1"), "kept") << "another identification";
  EXPECT_EQ(add({8, "b", false}, 7, "2"), "kept") << "another sender";
  EXPECT_EQ(add({8, "B", false}, 7, "1"), "complete aaaaaaaaB");
  EXPECT_EQ(table_.size(), 3U);
}

TEST_P(Fragments, TimeEndsAPacketFromItsLatestFragmentOn) {
  EXPECT_EQ(add({0, "aaaaaaaa", true}), "kept");
  now_ += lifetime() - seconds(1);
  EXPECT_EQ(add({8, "bbbbbbbb", true}), "kept");
  now_ += lifetime() - seconds(1);
  EXPECT_EQ(add({8, "bbbbbbbb", true}), "duplicate") << "for a receiver it may be the first";
  now_ += lifetime();
  EXPECT_EQ(add({16, "c", false}), "kept") << "the first two are gone";
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(add({0, "AAAAAAAABBBBBBBB", true}), "complete AAAAAAAABBBBBBBBc");
  now_ -= seconds(5000);
  EXPECT_EQ(add({0, "AAAAAAAABBBBBBBB", true}), "duplicate") << "a clock that jumps back ends nothing";
  EXPECT_EQ(table_.evictions(), 0U);
}

TEST_P(Fragments, BlockedAndSpoiledOnesStaySoUntilTheirTimeIsUp) {
  add({0, "aaaaaaaa", true});
  EXPECT_EQ(add({8, "b", false}), "complete aaaaaaaab");
  table_.block(result_.packet);
  EXPECT_EQ(add({8, "b", false}), "blocked");
  EXPECT_EQ(add({0, "aaaaaaaa", true}), "blocked");
  now_ += lifetime() - seconds(1);
  EXPECT_EQ(add({8, "b", false}), "blocked")
      << "what is dropped reaches nobody: it does not make this longer";
  now_ += seconds(2);
  EXPECT_EQ(add({8, "b", false}), "kept");
  table_.block(result_.packet);
  EXPECT_EQ(add({8, "b", false}), "duplicate") << "an old name blocks nothing";
}

/// `offset text more start`: a fragment, and what it shows of the start of its packet.
struct Telling {
  Piece piece;
  FragmentStart start;
};

TEST_P(Fragments, AFragmentThatNeedNotBeInspectedIsReplaced) {
  constexpr auto kHarmless = FragmentStart::harmless;
  constexpr auto kElsewhere = FragmentStart::elsewhere;
  constexpr auto kTelling = FragmentStart::telling;
  const Piece first{0, "aaaaaaaaaaaaaaaa", true};
  const Piece other_first{0, "AAAAAAAAAAAAAAAA", true};
  const Piece longer_first{0, "AAAAAAAAAAAAAAAAAAAAAAAA", true};
  const Piece last{16, "bbb", false};
  const Piece other_last{16, "BBB", false};
  const Piece longer_last{16, "BBBBBBBBBBBB", false};
  struct Row {
    std::string description;
    std::vector<Telling> pieces;
    std::vector<std::string> fates;
  };
  const std::vector<Row> rows{
      {"the identification again, in order",
       {{first, kHarmless}, {last, kElsewhere}, {other_first, kHarmless}, {other_last, kElsewhere}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "replaced", "replaced"}},
      {"again, the last one first",
       {{first, kHarmless}, {last, kElsewhere}, {other_last, kElsewhere}, {other_first, kHarmless}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "replaced", "replaced"}},
      {"again, longer, then the first length again",
       {{first, kHarmless},
        {last, kElsewhere},
        {other_first, kHarmless},
        {longer_last, kElsewhere},
        {first, kHarmless},
        {last, kElsewhere},
        {last, kElsewhere}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "replaced", "replaced", "replaced", "replaced", "duplicate"}},
      {"of one the end was lost",
       {{first, kHarmless}, {other_first, kHarmless}, {other_last, kElsewhere}},
       {"kept", "replaced", "complete AAAAAAAAAAAAAAAABBB"}},
      {"more after the former end",
       {{first, kHarmless}, {last, kElsewhere}, {{24, "c", false}, kElsewhere}, {longer_first, kHarmless}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "replaced", "replaced"}},
      {"a decoy that need not be inspected, then a start that must be",
       {{first, kHarmless}, {last, kElsewhere}, {other_first, kTelling}, {other_last, kElsewhere}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "overlap", "replaced"}},
      {"the same, the real end first",
       {{first, kHarmless}, {last, kElsewhere}, {other_last, kElsewhere}, {other_first, kTelling}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "replaced", "overlap"}},
      {"a start that must be inspected, then a decoy",
       {{first, kTelling}, {last, kElsewhere}, {other_first, kHarmless}, {other_last, kElsewhere}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "overlap", "overlap"}},
      {"open, and its start is missing",
       {{last, kElsewhere}, {other_last, kElsewhere}, {first, kHarmless}},
       {"kept", "overlap", "overlap"}},
      {"a piece of the start under a harmless one",
       {{first, kHarmless}, {last, kElsewhere}, {{8, "AAAAAAAA", true}, kTelling}, {other_last, kElsewhere}},
       {"kept", "complete aaaaaaaaaaaaaaaabbb", "overlap", "replaced"}},
      {"a piece of the start before a harmless one",
       {{{8, "AAAAAAAA", true}, kTelling}, {last, kElsewhere}, {first, kHarmless}},
       {"kept", "kept", "overlap"}},
  };
  std::uint32_t id = 100;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    std::vector<std::string> fates;
    for (const Telling& telling : row.pieces) {
      start_ = telling.start;
      fates.push_back(add(telling.piece, id));
    }
    EXPECT_EQ(fates, row.fates);
    ++id;
  }
}

TEST_P(Fragments, AReplacedOneLivesFromThenOn) {
  start_ = FragmentStart::harmless;
  add({0, "aaaaaaaaaaaaaaaa", true});
  start_ = FragmentStart::elsewhere;
  add({16, "bbb", false});
  now_ += lifetime() - seconds(1);
  EXPECT_EQ(add({16, "BBB", false}), "replaced");
  now_ += lifetime() - seconds(1);
  start_ = FragmentStart::telling;
  EXPECT_EQ(add({0, "AAAAAAAAAAAAAAAA", true}), "overlap") << "a receiver may hold the end that came last";
}

TEST_P(Fragments, ReplacedOnesShareTheMemoryToo) {
  const std::string big(60000, 'x');
  for (std::uint32_t round = 0; round < 6; ++round) {
    for (std::uint32_t id = 0; id < table_.capacity() + 5; ++id) {
      start_ = FragmentStart::harmless;
      const std::string first(16 + round % 2 * 8, static_cast<char>('a' + round % 26));
      ASSERT_NE(add({0, first, true}, id), "overlap");
      start_ = FragmentStart::elsewhere;
      const std::size_t bytes = id % 16 == round % 16 ? big.size() : 2000 + round;
      ASSERT_NE(add({static_cast<std::uint32_t>(first.size()), big.substr(0, bytes), false}, id), "overlap");
    }
  }
}

TEST_P(Fragments, AFloodForgetsTheOldestAndIsCounted) {
  const auto many = static_cast<std::uint32_t>(table_.capacity() * 3);
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 1), "kept");
  for (std::uint32_t id = 2; id < many; ++id) ASSERT_EQ(add({0, "aaaaaaaa", true}, id), "kept");
  EXPECT_EQ(table_.size(), table_.capacity());
  EXPECT_EQ(table_.evictions(), many - 1 - table_.capacity());
  EXPECT_EQ(add({8, "b", false}, 1), "kept") << "forgotten";
  EXPECT_EQ(add({8, "b", false}, many - 1), "complete aaaaaaaab") << "the newest is there";
}

TEST_P(Fragments, LargeOnesShareTheMemoryToo) {
  const std::string big(8000, 'x');
  for (std::uint32_t id = 0; id < 2000; ++id) {
    ASSERT_EQ(add({8000, big, true}, id), "kept");
    ASSERT_EQ(add({0, big, true}, id), "kept");
    ASSERT_EQ(add({16000, "end", false}, id), "complete 16003") << id;
  }
  EXPECT_EQ(table_.evictions(), 0U) << "complete ones make room unnoticed";
  for (std::uint32_t id = 5000; id < 6000; ++id) ASSERT_EQ(add({16000, big, true}, id), "kept");
  EXPECT_GT(table_.evictions(), 0U);
}

TEST_P(Fragments, ASpoiledFloodLeavesRoomForTheRest) {
  for (std::uint32_t id = 0; id < 3 * table_.capacity(); ++id) {
    add({0, "aaaaaaaa", true}, id);
    ASSERT_EQ(add({0, "bbbbbbbb", true}, id), "overlap");
  }
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 77777, "9"), "kept");
  add({0, "aaaaaaaa", true}, 88888);
  EXPECT_EQ(add({0, "bbbbbbbb", true}, 88888), "overlap");
  EXPECT_EQ(add({8, "b", false}, 77777, "9"), "complete aaaaaaaab") << "the oldest went, not the newest";
}

TEST_P(Fragments, AFloodFromOneSenderCostsNobodyElse) {
  const std::string other = GetParam() ? "1:0:0:0:9" : "9";  // of another /64
  const std::string half(1400, 'x');
  for (const bool spoiled : {false, true}) {
    EXPECT_EQ(add({0, "aaaaaaaa", true}, 1, other), "kept");
    for (std::uint32_t id = 2; id < table_.capacity() * 3; ++id) {
      add({0, half, true}, id);
      if (!spoiled) continue;
      ASSERT_EQ(add({8, half, true}, id), "overlap");
    }
    EXPECT_EQ(add({8, "b", false}, 1, other), "complete aaaaaaaab") << spoiled;
    now_ += 2 * lifetime();
  }
  EXPECT_GT(table_.evictions(), table_.capacity());
}

// As dataplane.fail.fragments: closed has it.
TEST_P(Fragments, IncompleteOnesCanBeKept) {
  const std::string other = GetParam() ? "1:0:0:0:9" : "9";
  table_ = FragmentTable(0, true);
  const auto capacity = static_cast<std::uint32_t>(table_.capacity());
  std::uint32_t kept = 0;
  for (std::uint32_t id = 1; id <= 3 * capacity; ++id)
    kept += add({0, "aaaaaaaa", true}, id) == "kept" ? 1U : 0U;
  EXPECT_EQ(kept, capacity / 2) << "half is left for the others";
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 3 * capacity), "full");
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 1, other), "kept");
  EXPECT_EQ(add({8, "b", false}, 1, other), "complete aaaaaaaab");
  for (std::uint32_t id = 1; id <= kept; ++id)
    ASSERT_EQ(add({8, "b", false}, id), "complete aaaaaaaab") << id;
  EXPECT_EQ(table_.evictions(), 0U);
  EXPECT_EQ(add({0, "aaaaaaaa", true}, 3 * capacity), "kept") << "complete ones make room";
}

// Whatever else is there, one packet of the largest size fits.
TEST_P(Fragments, TheLargestPacketFitsWhereIncompleteOnesAreKept) {
  table_ = FragmentTable(0, true);
  const std::string part(1400, 'x');
  std::uint32_t offset = 0;
  for (; offset + 1400 < 65000; offset += 1400) ASSERT_EQ(add({offset, part, true}), "kept") << offset;
  EXPECT_EQ(add({offset, "end", false}), "complete " + std::to_string(offset + 3));
}

INSTANTIATE_TEST_SUITE_P(Families, Fragments, testing::Bool(),
                         [](const auto& test) { return test.param ? "IPv6" : "IPv4"; });

TEST(FragmentTable, HeadersOfTheWhole) {
  FragmentTable table(0);
  Bytes buffer(FragmentTable::kBufferBytes);
  const auto whole_of = [&](const std::vector<Bytes>& frames) {
    proto::PacketView view;
    for (const Bytes& frame : frames) {
      const auto fragment = proto::parse_packet(frame, LinkType::ethernet);
      const auto result = table.add(fragment, FragmentStart::telling, seconds(0), buffer);
      if (result.fate == FragmentFate::complete) {
        view = proto::parse_reassembled(fragment, result.frame, result.ip_offset);
      }
    }
    return view;
  };
  const auto v4 = whole_of(PacketBuilder()
                               .ethernet()
                               .ipv4("10.0.0.1", "10.0.0.2")
                               .ip_options(test::from_hex("01010101"))
                               .tcp(40000, 80)
                               .seq(77)
                               .payload("GET / HTTP/1.1")
                               .build_fragments(8));
  EXPECT_EQ(v4.packet_class, proto::PacketClass::tcp);
  EXPECT_EQ(v4.tcp.sequence, 77U);
  EXPECT_EQ(test::to_text(v4.payload), "GET / HTTP/1.1");
  const auto v6 = whole_of(PacketBuilder()
                               .ethernet()
                               .pppoe()
                               .ipv6("::1", "::2")
                               .destination_options()
                               .udp(40000, 443)
                               .payload("a QUIC packet")
                               .build_fragments(8));
  EXPECT_EQ(v6.packet_class, proto::PacketClass::udp);
  EXPECT_EQ(v6.destination_port, 443);
  EXPECT_EQ(v6.pppoe_offset, 14U);
  EXPECT_EQ(test::to_text(v6.payload), "a QUIC packet");
  const auto tunnelled = whole_of(PacketBuilder()
                                      .ethernet()
                                      .mpls(9)
                                      .ipv4("10.0.0.1", "10.0.0.2")
                                      .gre()
                                      .ipv6("::1", "::2")
                                      .tcp(40000, 80)
                                      .payload("GET / HTTP/1.1")
                                      .build_fragments(16, 9, PacketBuilder::Which::innermost));
  EXPECT_EQ(tunnelled.packet_class, proto::PacketClass::tcp);
  EXPECT_GT(tunnelled.tunnels, 0) << "no answer";
  EXPECT_EQ(tunnelled.ip_offset, 0U);
  EXPECT_EQ(test::to_text(tunnelled.payload), "GET / HTTP/1.1");
}

}  // namespace
}  // namespace weir::flow
