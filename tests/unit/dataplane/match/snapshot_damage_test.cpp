#include <cstddef>
#include <cstring>
#include <functional>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/match/slot.h"
#include "dataplane/match/snapshot_format.h"
#include "dataplane/match/snapshot_view.h"
#include "tests/unit/dataplane/match/snapshot_fixture.h"

namespace weir::match {
namespace {

std::vector<std::byte> good_snapshot() {
  return build_snapshot({{.name = "first"}, {.name = "second", .block_host_on_tls = true}},
                        parse_entries({{.text = "example.com"},
                                       {.text = "a.example/b/"},
                                       {.text = "a.example/b/c", .list = 1},
                                       {.text = "a.example:81/b/c?d"},
                                       {.text = "b.example:81", .action = Action::allow}}));
}

std::string open_code(std::span<const std::byte> bytes) {
  const auto view = SnapshotView::open(bytes);
  return view.ok() ? "ok" : view.error().code;
}

// Up to the version the error code names the field; damage after it is found by the checksum.
std::string_view expected_code(std::size_t byte) {
  if (byte < offsetof(SnapshotHeader, version)) return "snapshot_magic";
  if (byte < offsetof(SnapshotHeader, header_bytes)) return "snapshot_version";
  if (byte < offsetof(SnapshotHeader, total_bytes)) return "snapshot_corrupt";
  return "snapshot_checksum";
}

TEST(SnapshotDamage, EveryFlippedBitIsRefused) {
  auto bytes = good_snapshot();
  ASSERT_EQ(open_code(bytes), "ok");
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
    bytes[bit / 8] ^= mask;
    const std::string code = open_code(bytes);
    const bool is_total =
        bit / 8 >= offsetof(SnapshotHeader, total_bytes) && bit / 8 < offsetof(SnapshotHeader, checksum);
    if (is_total) {
      EXPECT_TRUE(code == "snapshot_truncated" || code == "snapshot_corrupt")
          << "bit " << bit << ": " << code;
    } else {
      EXPECT_EQ(code, expected_code(bit / 8)) << "bit " << bit;
    }
    bytes[bit / 8] ^= mask;
  }
}

TEST(SnapshotDamage, EveryCutIsRefused) {
  const auto bytes = good_snapshot();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of exactly this size, so that a read beyond the cut is outside the allocation.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(open_code(cut), "snapshot_truncated") << size << " bytes";
  }
}

TEST(SnapshotDamage, BytesAfterTheEndAreRefused) {
  auto bytes = good_snapshot();
  bytes.push_back(std::byte{0});
  EXPECT_EQ(open_code(bytes), "snapshot_corrupt");
}

TEST(SnapshotDamage, AnotherVersionIsNamedWhateverFollows) {
  for (const std::uint32_t version : {0U, 1U, 3U, 0x01000000U, 0xFFFFFFFFU}) {
    auto bytes = good_snapshot();
    std::memcpy(bytes.data() + offsetof(SnapshotHeader, version), &version, sizeof(version));
    set_checksum(bytes);
    EXPECT_EQ(open_code(bytes), "snapshot_version");
    EXPECT_EQ(open_code(std::span(bytes).first(12)), "snapshot_version");
  }
}

TEST(SnapshotDamage, UnalignedMemoryIsRefused) {
  const auto bytes = good_snapshot();
  std::vector<std::byte> moved(bytes.size() + 8);
  for (std::size_t shift = 1; shift < 8; ++shift) {
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_EQ(open_code(std::span(moved).subspan(shift, bytes.size())), "snapshot_corrupt");
  }
}

template <class T>
std::span<T> items_at(std::vector<std::byte>& bytes, std::uint64_t offset, std::uint64_t count) {
  return {reinterpret_cast<T*>(bytes.data() + offset), static_cast<std::size_t>(count)};
}

// A snapshot with a right checksum, in parts that a test can forge.
struct Forgery {
  std::vector<std::byte> bytes = good_snapshot();
  SnapshotHeader* header = reinterpret_cast<SnapshotHeader*>(bytes.data());
  TableRecord& hosts = header->layers[0].hosts;
  TableRecord& paths = header->layers[0].paths;
  std::span<ListRecord> lists = items_at<ListRecord>(bytes, sizeof(SnapshotHeader), header->list_count);
  std::span<Bucket> host_buckets = items_at<Bucket>(bytes, hosts.buckets_offset, hosts.bucket_count + 1);
  std::span<Bucket> path_buckets = items_at<Bucket>(bytes, paths.buckets_offset, paths.bucket_count + 1);
  std::span<TableEntry> host_entries = items_at<TableEntry>(bytes, hosts.entries_offset, hosts.entry_count);
  std::span<TableEntry> path_entries = items_at<TableEntry>(bytes, paths.entries_offset, paths.entry_count);

  static TableEntry& find(std::span<TableEntry> entries, std::uint8_t flags) {
    for (TableEntry& entry : entries) {
      if ((entry.flags & flags) == flags && (flags & kPathInfo) == (entry.flags & kPathInfo)) return entry;
    }
    throw std::logic_error("no entry with these flags");
  }
  TableEntry& host_rule() { return find(host_entries, kSelf); }
  TableEntry& path_info() { return find(host_entries, kPathInfo); }
  TableEntry& prefix_info() {
    for (TableEntry& entry : host_entries) {
      if ((entry.flags & kPathInfo) != 0 && value_of(entry) != 0) return entry;
    }
    throw std::logic_error("no path info with prefix rules");
  }
  TableEntry& port_info() { return find(host_entries, kPortInfo); }
  TableEntry& path_rule() { return find(path_entries, kSelf); }
};

void set_value(TableEntry& entry, std::uint32_t value) {
  std::memcpy(entry.value.data(), &value, sizeof(value));
}

struct ForgeryCase {
  std::string_view description;
  std::function<void(Forgery&)> forge;
};

std::ostream& operator<<(std::ostream& out, const ForgeryCase& value) { return out << value.description; }

const ForgeryCase kForgeryCases[] = {
    {"reserved field", [](Forgery& f) { f.header->reserved = 1; }},
    {"too many lists", [](Forgery& f) { f.header->list_count = 65; }},
    {"a list too many", [](Forgery& f) { f.header->list_count = 3; }},
    {"a list missing", [](Forgery& f) { f.header->list_count = 1; }},
    {"half a base", [](Forgery& f) { f.header->base_checksum = 1; }},
    {"an overlay with layer 0", [](Forgery& f) { f.header->base_generation = 1; }},
    {"no layer 0", [](Forgery& f) { f.header->layers[0] = {}; }},
    {"half a layer 0", [](Forgery& f) { f.paths = {}; }},
    {"half a layer 1", [](Forgery& f) { f.header->layers[1].hosts = f.hosts; }},
    {"layer 0 again as layer 1", [](Forgery& f) { f.header->layers[1] = f.header->layers[0]; }},
    {"buckets elsewhere", [](Forgery& f) { f.hosts.buckets_offset += 64; }},
    {"entries elsewhere", [](Forgery& f) { f.hosts.entries_offset += 2; }},
    {"paths elsewhere", [](Forgery& f) { f.paths.buckets_offset -= 64; }},
    {"paths beyond the end", [](Forgery& f) { f.paths.buckets_offset = ~std::uint64_t{0} - 63; }},
    {"no buckets", [](Forgery& f) { f.hosts.bucket_count = 0; }},
    {"buckets doubled", [](Forgery& f) { f.hosts.bucket_count *= 2; }},
    {"buckets that overflow", [](Forgery& f) { f.paths.bucket_count = (std::uint64_t{1} << 58) - 1; }},
    {"an entry too many", [](Forgery& f) { f.paths.entry_count += 1; }},
    {"an entry missing", [](Forgery& f) { f.paths.entry_count -= 1; }},
    {"entries that overflow", [](Forgery& f) { f.hosts.entry_count = std::uint64_t{1} << 63; }},
    {"list name without end", [](Forgery& f) { f.lists[0].name.fill('a'); }},
    {"list name with a line end", [](Forgery& f) { f.lists[0].name[1] = '\n'; }},
    {"bytes after a list name",
     [](Forgery& f) {
       f.lists[0].name[63] = 'a';
       f.lists[0].name[62] = '\0';
     }},
    {"list of a layer that there is not", [](Forgery& f) { f.lists[0].layer = 2; }},
    {"table that begins late", [](Forgery& f) { f.host_buckets.front().first += 1; }},
    {"table that ends early", [](Forgery& f) { f.host_buckets.back().first -= 1; }},
    {"table that ends late", [](Forgery& f) { f.host_buckets.back().first += 1; }},
    {"end that overflows", [](Forgery& f) { f.host_buckets.back().first |= kOverflows; }},
    {"end with a tag", [](Forgery& f) { f.host_buckets.back().tags[0] = 1; }},
    {"tag without entry", [](Forgery& f) { f.host_buckets.front().tags.back() = 1; }},
    {"overflow that there is not", [](Forgery& f) { f.host_buckets.front().first |= kOverflows; }},
    {"unknown flag", [](Forgery& f) { f.host_rule().flags |= 0x80; }},
    {"rule without id", [](Forgery& f) { set_value(f.path_rule(), 0); }},
    {"rule of a list that there is not", [](Forgery& f) { f.path_rule().list = 2; }},
    {"rule without scope", [](Forgery& f) { f.path_rule().flags &= ~(kSelf | kBelow) & 0xFF; }},
    {"path rule for encrypted", [](Forgery& f) { f.path_rule().flags |= kEncryptedOnly; }},
    {"allow rule for encrypted",
     [](Forgery& f) { Forgery::find(f.host_entries, kEncryptedOnly | kSelf).flags |= kAllow; }},
    {"path info in the path table", [](Forgery& f) { f.path_rule() = f.path_info(); }},
    {"path info of both scopes", [](Forgery& f) { f.path_info().flags |= kSelf | kBelow; }},
    {"path info of no scope", [](Forgery& f) { f.path_info().flags &= ~(kSelf | kBelow) & 0xFF; }},
    {"path info that is port info too", [](Forgery& f) { f.path_info().flags |= kPortInfo; }},
    {"path info of a list that there is not", [](Forgery& f) { f.path_info().list = 2; }},
    {"path info without paths",
     [](Forgery& f) {
       set_value(f.path_info(), 0);
       f.path_info().flags = kPathInfo | kSelf | kHasBlock;
     }},
    {"path info with a bound but not the deepest bit",
     [](Forgery& f) { set_value(f.prefix_info(), value_of(f.prefix_info()) | 1U << kDepthShift); }},
    {"path info with the deepest bit but no bound",
     [](Forgery& f) { set_value(f.prefix_info(), 1U << kDeepestBit); }},
    {"path info without block rule but with its list",
     [](Forgery& f) {
       f.path_info().flags &= ~kHasBlock & 0xFF;
       f.path_info().list = 1;
     }},
    {"port info with a value", [](Forgery& f) { set_value(f.port_info(), 1); }},
    {"port info with a list", [](Forgery& f) { f.port_info().list = 1; }},
    {"port info with a scope", [](Forgery& f) { f.port_info().flags |= kSelf; }},
};

class ForgeryCases : public testing::TestWithParam<ForgeryCase> {};

TEST_P(ForgeryCases, IsCorrupt) {
  Forgery forgery;
  GetParam().forge(forgery);
  set_checksum(forgery.bytes);
  EXPECT_EQ(open_code(forgery.bytes), "snapshot_corrupt");
}

INSTANTIATE_TEST_SUITE_P(Damage, ForgeryCases, testing::ValuesIn(kForgeryCases));

TEST(SnapshotDamage, AForgeryThatChangesNothingIsGood) {
  Forgery forgery;
  set_checksum(forgery.bytes);
  EXPECT_EQ(open_code(forgery.bytes), "ok");
}

// More keys in one bucket than any random seed gives.
TEST(SnapshotDamage, ABucketThatWouldMakeLookupsLongIsRefused) {
  for (const std::size_t entries : {kMaxBucketEntries, kMaxBucketEntries + 1}) {
    const Forgery good;
    std::vector<std::byte> bytes(good.bytes.begin(),
                                 good.bytes.begin() + static_cast<std::ptrdiff_t>(good.paths.buckets_offset));
    SnapshotHeader header = *good.header;
    header.layers[0].paths.bucket_count = 1;
    header.layers[0].paths.entries_offset = bytes.size() + 2 * sizeof(Bucket);
    header.layers[0].paths.entry_count = entries;
    header.total_bytes = header.layers[0].paths.entries_offset + entries * sizeof(TableEntry);
    bytes.resize(header.total_bytes);
    std::memcpy(bytes.data(), &header, sizeof(header));
    const auto buckets = items_at<Bucket>(bytes, header.layers[0].paths.buckets_offset, 2);
    buckets[0].first = kOverflows;
    buckets[0].tags.fill(1);
    buckets[1].first = static_cast<std::uint32_t>(entries);
    for (TableEntry& entry : items_at<TableEntry>(bytes, header.layers[0].paths.entries_offset, entries)) {
      entry = good.path_entries.front();
    }
    set_checksum(bytes);
    EXPECT_EQ(open_code(bytes), entries <= kMaxBucketEntries ? "ok" : "snapshot_corrupt");
  }
}

TEST(SnapshotDamage, AnOverlayWithRulesOfAFeedIsRefused) {
  SnapshotBuilder builder(kTestHeader, {{.name = "feed"}, {.name = "manual", .manual = true}});
  auto bytes = builder.build_overlay({.generation = {6}, .checksum = 1, .seed = kTestSeed});
  EXPECT_EQ(open_code(bytes), "ok");
  auto* const lists = reinterpret_cast<ListRecord*>(bytes.data() + sizeof(SnapshotHeader));
  lists[0].path_rules = 1;
  set_checksum(bytes);
  EXPECT_EQ(open_code(bytes), "snapshot_corrupt");
}

}  // namespace
}  // namespace weir::match
