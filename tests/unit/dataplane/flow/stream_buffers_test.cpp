#include "dataplane/flow/stream_buffers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Flows, and the buffers of their streams.
struct Lab {
  explicit Lab(std::size_t flow_count = 4) : flows(flow_count), buffers(flows, 0) {}

  bool write(std::size_t flow, std::uint32_t sequence, std::string_view text, bool verified = true) {
    return buffers.write(flows[flow], sequence, bytes_of(text), verified);
  }
  [[nodiscard]] std::string read(std::size_t flow, std::uint32_t sequence,
                                 bool without_urgent = false) const {
    std::string text(1000, '.');
    const std::uint32_t end = buffers.contiguous_end(flows[flow], sequence);
    text.resize(
        buffers.read(flows[flow], sequence, end, std::as_writable_bytes(std::span(text)), without_urgent));
    return text;
  }

  std::vector<Flow> flows;
  StreamBuffers buffers;
};

TEST(StreamBuffers, FirstCopiesCountInAnyOrder) {
  for (const std::uint32_t base : {0U, 1000U, 0xfffffffaU, 0xfffffe00U}) {
    Lab lab;
    lab.write(0, base + 4, "EFGH");
    EXPECT_EQ(lab.read(0, base), "");
    lab.write(0, base + 8, "IJ");
    lab.write(0, base, "abcdefghij");
    EXPECT_EQ(lab.read(0, base), "abcdEFGHIJ") << base;
    EXPECT_EQ(lab.read(0, base + 5), "FGHIJ") << base;
    EXPECT_EQ(lab.read(0, base + 10), "") << base;
  }
}

TEST(StreamBuffers, ComparesWithWhatIsHeld) {
  struct Case {
    std::string what;
    std::uint32_t sequence;
    std::string text;
    std::size_t held;
    bool conflict;
    bool only_unverified;
  };
  Lab lab;
  lab.write(0, 510, "abcdef");
  lab.write(0, 520, "uvwxyz", false);
  const std::vector<Case> cases{
      {"the same", 510, "abcdef", 6, false, true},
      {"a part of it", 512, "cd", 2, false, true},
      {"another byte", 510, "abXdef", 6, true, false},
      {"before it", 500, "0123456789", 0, false, true},
      {"before and into it", 505, "01234abc", 3, false, true},
      {"before and into it, another byte", 505, "01234abX", 3, true, false},
      {"across the gap", 510, "abcdef....uvwxyz", 12, false, true},
      {"an unverified byte differs", 520, "Xvwxyz", 6, true, true},
      {"bytes of both kinds differ", 510, "abcdeX....Xvwxyz", 12, true, false},
      {"after it", 526, "abc", 0, false, true},
      {"far after it", 600000, "abc", 0, false, true},
  };
  for (const Case& test : cases) {
    const Overlap overlap = lab.buffers.compare(lab.flows[0], test.sequence, bytes_of(test.text));
    EXPECT_EQ(overlap.held_bytes, test.held) << test.what;
    EXPECT_EQ(overlap.conflict, test.conflict) << test.what;
    EXPECT_EQ(overlap.only_unverified, test.only_unverified) << test.what;
  }
}

TEST(StreamBuffers, AVerifiedCopyReplacesAnUnverifiedOne) {
  Lab lab;
  lab.write(0, 0, "decoy", false);
  lab.write(0, 0, "DECOY", false);
  EXPECT_EQ(lab.read(0, 0), "decoy");
  lab.write(0, 0, "right", true);
  EXPECT_EQ(lab.read(0, 0), "right");
  lab.write(0, 0, "wrong", true);
  EXPECT_EQ(lab.read(0, 0), "right");
}

TEST(StreamBuffers, AVerifiedCopyOfTheSameBytesConfirmsThem) {
  Lab lab;
  const auto compare = [&lab](std::uint32_t sequence, std::string_view text) {
    return lab.buffers.compare(lab.flows[0], sequence, bytes_of(text));
  };
  lab.write(0, 510, "abcdef", false);
  EXPECT_TRUE(compare(511, "bc").unverified);
  lab.buffers.confirm(lab.flows[0], 511, 2);
  EXPECT_FALSE(compare(511, "bc").unverified);
  EXPECT_TRUE(compare(510, "abc").unverified);
  EXPECT_FALSE(compare(511, "bX").only_unverified);
  EXPECT_TRUE(compare(513, "X").only_unverified);
}

TEST(StreamBuffers, UrgentBytesCanBeLeftOut) {
  Lab lab;
  lab.write(0, 0, "abXcYd");
  lab.buffers.mark_urgent(lab.flows[0], 2);
  lab.buffers.mark_urgent(lab.flows[0], 4);
  lab.buffers.mark_urgent(lab.flows[0], 6);
  EXPECT_EQ(lab.read(0, 0), "abXcYd");
  EXPECT_EQ(lab.read(0, 0, true), "abcd");
  EXPECT_EQ(lab.read(0, 6), "") << "an urgent byte that has not come is not there";
}

TEST(StreamBuffers, GivesUpWholeChunksFromTheFront) {
  Lab lab;
  const std::string text(2000, 'x');
  lab.write(0, 100, text);
  EXPECT_EQ(lab.buffers.chunks_used(), 5U);
  lab.buffers.release_before(lab.flows[0], 1023);
  EXPECT_EQ(lab.read(0, 100), "");
  EXPECT_EQ(lab.read(0, 512).size(), 1000U);
  EXPECT_EQ(lab.buffers.chunks_used(), 4U);
  lab.buffers.release_before(lab.flows[0], 2100);
  EXPECT_EQ(lab.buffers.chunks_used(), 1U);
  lab.buffers.release_before(lab.flows[0], 5000);
  EXPECT_TRUE(StreamBuffers::empty(lab.flows[0]));
  EXPECT_EQ(lab.buffers.chunks_used(), 0U);
}

TEST(StreamBuffers, KeptBytesAreEvictedBeforeWaitingOnesTheOldestFirst) {
  constexpr std::size_t kFlows = 8;
  Lab lab(kFlows);
  const std::size_t chunks = lab.buffers.chunk_capacity();
  const std::string share((chunks / kFlows) * StreamBuffers::kChunkBytes, 'x');
  // Flows 0 and 4 are kept, the others wait; flow 1 was touched last.
  for (std::size_t i = 0; i < kFlows; ++i) {
    ASSERT_TRUE(lab.write(i, 0, share));
    lab.buffers.touch(lab.flows[i], i % 4 != 0);
  }
  lab.buffers.touch(lab.flows[1], true);
  ASSERT_EQ(lab.buffers.chunks_used(), chunks);
  std::vector<std::size_t> gone;
  for (std::uint32_t grown = static_cast<std::uint32_t>(share.size()); gone.size() < kFlows - 1;
       grown += StreamBuffers::kChunkBytes) {
    ASSERT_TRUE(lab.write(1, grown, "x"));
    for (std::size_t i = 0; i < kFlows; ++i) {
      const bool was = std::find(gone.begin(), gone.end(), i) != gone.end();
      if (!was && StreamBuffers::empty(lab.flows[i])) gone.push_back(i);
    }
  }
  EXPECT_EQ(gone, (std::vector<std::size_t>{0, 4, 2, 3, 5, 6, 7}));
  EXPECT_EQ(lab.buffers.evictions(), 5U);
  EXPECT_EQ(lab.flows[2].reading, Reading::sampled);
  EXPECT_EQ(lab.flows[0].reading, Reading::message);
}

TEST(StreamBuffers, AFlowThatHasAllTheMemoryGetsNoMore) {
  Lab lab(1);
  std::uint32_t sequence = 0;
  for (std::size_t i = 0; i < lab.buffers.chunk_capacity(); ++i) {
    ASSERT_TRUE(lab.write(0, sequence, "x"));
    lab.buffers.touch(lab.flows[0], true);
    sequence += StreamBuffers::kChunkBytes;
  }
  EXPECT_FALSE(lab.write(0, sequence, "x"));
  EXPECT_TRUE(StreamBuffers::empty(lab.flows[0]));
  EXPECT_EQ(lab.buffers.chunks_used(), 0U);
}

/// Compared with a map from sequence number to byte.
TEST(StreamBuffers, BehavesAsTheModelDoes) {
  std::mt19937 random(20260102);
  for (int round = 0; round < 200; ++round) {
    Lab lab;
    std::map<std::uint32_t, std::pair<char, bool>> model;
    const std::uint32_t base = round % 2 == 0 ? 700 : 0xfffffd00U;
    for (int step = 0; step < 60; ++step) {
      const auto offset = static_cast<std::uint32_t>(random() % 1500);
      std::string text(1 + random() % 300, ' ');
      for (char& c : text) c = static_cast<char>('a' + random() % 2);
      const bool verified = random() % 3 != 0;
      Overlap expected;
      for (std::uint32_t i = 0; i < text.size(); ++i) {
        const auto held = model.find(offset + i);
        if (held == model.end()) continue;
        ++expected.held_bytes;
        if (held->second.first == text[i]) continue;
        expected.conflict = true;
        expected.only_unverified = expected.only_unverified && !held->second.second;
      }
      const Overlap overlap = lab.buffers.compare(lab.flows[0], base + offset, bytes_of(text));
      ASSERT_EQ(overlap.held_bytes, expected.held_bytes);
      ASSERT_EQ(overlap.conflict, expected.conflict);
      ASSERT_EQ(overlap.only_unverified, expected.only_unverified);
      ASSERT_TRUE(lab.write(0, base + offset, text, verified));
      for (std::uint32_t i = 0; i < text.size(); ++i) {
        const auto held = model.find(offset + i);
        if (held == model.end() || (verified && !held->second.second))
          model[offset + i] = {text[i], verified};
      }
      const auto from = static_cast<std::uint32_t>(random() % 1800);
      std::string contiguous;
      for (auto i = model.find(from); i != model.end() && i->first == from + contiguous.size(); ++i) {
        contiguous += i->second.first;
      }
      ASSERT_EQ(lab.buffers.contiguous_end(lab.flows[0], base + from),
                static_cast<std::uint32_t>(base + from + contiguous.size()));
      ASSERT_EQ(lab.read(0, base + from), contiguous.substr(0, 1000));
    }
  }
}

TEST(StreamBuffers, AFloodFromOneSenderCostsNobodyElse) {
  constexpr std::size_t kFlows = 2000;
  Lab lab(kFlows);
  for (std::size_t i = 0; i < kFlows; ++i)
    lab.flows[i].key.source.bytes[0] = std::byte{i < 2 ? std::uint8_t{1} : std::uint8_t{9}};
  lab.flows[1].key.source.bytes[1] = std::byte{2};
  for (std::size_t i = 0; i < kFlows; ++i) {
    ASSERT_TRUE(lab.write(i, 0, "GET / HTTP/1.1"));
    lab.buffers.touch(lab.flows[i], true);
  }
  EXPECT_EQ(lab.read(0, 0), "GET / HTTP/1.1") << "older than all of the flood";
  EXPECT_EQ(lab.read(1, 0), "GET / HTTP/1.1");
  EXPECT_EQ(lab.read(kFlows - 1, 0), "GET / HTTP/1.1") << "the flood evicts itself, the oldest first";
  EXPECT_EQ(lab.read(2, 0), "");
  EXPECT_EQ(lab.buffers.evictions(), kFlows - lab.buffers.chunk_capacity());
  EXPECT_EQ(lab.buffers.share_of(lab.flows[0]), 1U);
  EXPECT_EQ(lab.buffers.share_of(lab.flows[2]), lab.buffers.chunk_capacity() - 2);
}

TEST(StreamBuffers, WhatHasExpiredGoesFirst) {
  Lab lab(400);
  for (std::size_t i = 0; i < 400; ++i) {
    lab.flows[i].key.source.bytes[0] = std::byte{i == 0 ? std::uint8_t{1} : std::uint8_t{9}};
    lab.flows[i].last_seen = i == 0 ? std::chrono::seconds(0) : kOpenFlowLifetime;
    ASSERT_TRUE(lab.write(i, 0, "half"));
    lab.buffers.touch(lab.flows[i], true);
  }
  EXPECT_EQ(lab.read(0, 0), "");
}

}  // namespace
}  // namespace weir::flow
