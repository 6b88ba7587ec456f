#include "dataplane/match/fingerprint.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::match {
namespace {

constexpr FingerprintSeed kSeed{0x0123456789ABCDEF, 0xFEDCBA9876543210};

TEST(Fingerprinter, DependsOnEachBitOfTheSeedAtEveryLength) {
  for (const std::size_t length : {1U, 3U, 8U, 16U, 40U, 128U, 200U, 240U, 241U, 1000U, 5000U}) {
    const std::string text(length, 'a');
    std::set<Fingerprint> seen{Fingerprinter(kSeed).of(text)};
    for (std::size_t bit = 0; bit < 128; ++bit) {
      FingerprintSeed seed = kSeed;
      seed[bit / 64] ^= std::uint64_t{1} << (bit % 64);
      EXPECT_TRUE(seen.insert(Fingerprinter(seed).of(text)).second) << length << " bytes, bit " << bit;
    }
  }
}

TEST(Fingerprinter, IsTheSameForTheSameSeed) {
  const Fingerprinter first(kSeed);
  const Fingerprinter second(kSeed);
  EXPECT_EQ(first.of("example.com"), second.of("example.com"));
  EXPECT_NE(first.of("example.com"), first.of("example.org.example"));
}

TEST(Fingerprinter, JoinTellsRolesAndOrderApart) {
  const Fingerprinter of(kSeed);
  const Fingerprint a = of.of("a");
  const Fingerprint b = of.of("b");
  const std::set<Fingerprint> joined{of.join(a, b, KeyKind::prefix),
                                     of.join(b, a, KeyKind::prefix),
                                     of.join(a, b, KeyKind::url),
                                     of.join(a, b, KeyKind::url_query),
                                     of.with_port(a, 80),
                                     of.with_port(a, 81),
                                     a,
                                     b};
  EXPECT_EQ(joined.size(), 8U);
}

TEST(Fingerprinter, WalksADirectoryAtATime) {
  const Fingerprinter of(kSeed);
  std::vector<Fingerprint> directories;
  const auto collect = [&](std::size_t depth, const Fingerprint& directory) {
    EXPECT_EQ(depth, directories.size());
    directories.push_back(directory);
  };
  const Fingerprint leaf = of.walk_path("/a/b/c", collect);
  ASSERT_EQ(directories.size(), 3U);
  std::vector<Fingerprint> shorter;
  const Fingerprint other_leaf =
      of.walk_path("/a/b/", [&](std::size_t, const Fingerprint& directory) { shorter.push_back(directory); });
  EXPECT_EQ(shorter, directories);
  EXPECT_NE(leaf, other_leaf);
}

TEST(Fingerprinter, SegmentsDoNotRunTogether) {
  const Fingerprinter of(kSeed);
  const auto ignore = [](std::size_t, const Fingerprint&) {};
  std::set<Fingerprint> leaves;
  for (const char* path : {"/", "/a", "/a/", "/ab", "/a/b", "/b/a", "/a/b/", "/a/a", "/aa"}) {
    EXPECT_TRUE(leaves.insert(of.walk_path(path, ignore)).second) << path;
    EXPECT_TRUE(leaves.insert(of.with_query(of.walk_path(path, ignore), "b")).second) << path;
  }
}

}  // namespace
}  // namespace weir::match
