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

#include "match/snapshot_format.h"
#include "match/snapshot_view.h"
#include "unit/match/snapshot_fixture.h"

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

// Where the header's fields say nothing yet, the code tells what is wrong; behind them the checksum does.
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
    // A copy of its own, so that a read behind the cut is one behind the allocation.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(open_code(cut), "snapshot_truncated") << size << " bytes";
  }
}

TEST(SnapshotDamage, SomethingBehindTheEndIsRefused) {
  auto bytes = good_snapshot();
  bytes.push_back(std::byte{0});
  EXPECT_EQ(open_code(bytes), "snapshot_corrupt");
}

TEST(SnapshotDamage, AnotherVersionIsNamedWhateverFollows) {
  for (const std::uint32_t version : {0U, 2U, 0x01000000U, 0xFFFFFFFFU}) {
    auto bytes = good_snapshot();
    std::memcpy(bytes.data() + offsetof(SnapshotHeader, version), &version, sizeof(version));
    mend_checksum(bytes);
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

// A snapshot with a right checksum, taken apart for a test to forge.
struct Forgery {
  std::vector<std::byte> bytes = good_snapshot();
  SnapshotHeader* header = reinterpret_cast<SnapshotHeader*>(bytes.data());
  std::span<ListRecord> lists{reinterpret_cast<ListRecord*>(bytes.data() + header->lists_offset),
                              header->list_count};
  std::span<Slot> hosts{reinterpret_cast<Slot*>(bytes.data() + header->hosts_offset), header->host_slots};
  std::span<Slot> paths{reinterpret_cast<Slot*>(bytes.data() + header->paths_offset), header->path_slots};

  Slot& find(std::span<Slot> table, std::uint8_t flag) {
    for (Slot& slot : table) {
      if (slot.has(flag)) return slot;
    }
    throw std::logic_error("no slot with this flag");
  }
  Slot& host_rule() { return find(hosts, kSelf); }
  Slot& path_info() { return find(hosts, kPathInfo); }
  Slot& port_info() { return find(hosts, kPortInfo); }
  Slot& path_rule() { return find(paths, kSelf); }
  Slot& empty(std::span<Slot> table) {
    for (Slot& slot : table) {
      if (!slot.present()) return slot;
    }
    throw std::logic_error("no empty slot");
  }
};

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
    {"lists elsewhere", [](Forgery& f) { f.header->lists_offset += 8; }},
    {"hosts elsewhere", [](Forgery& f) { f.header->hosts_offset += 24; }},
    {"paths elsewhere", [](Forgery& f) { f.header->paths_offset -= 24; }},
    {"paths beyond the end", [](Forgery& f) { f.header->paths_offset = ~std::uint64_t{0} - 7; }},
    {"no host slots", [](Forgery& f) { f.header->host_slots = 0; }},
    {"host slots no power of two", [](Forgery& f) { f.header->host_slots -= 1; }},
    {"host slots doubled", [](Forgery& f) { f.header->host_slots *= 2; }},
    {"path slots halved", [](Forgery& f) { f.header->path_slots /= 2; }},
    {"path slots that overflow", [](Forgery& f) { f.header->path_slots = std::uint64_t{1} << 63; }},
    {"sizes that overflow to the right sum",
     [](Forgery& f) { f.header->host_slots = (std::uint64_t{1} << 61) * 3; }},
    {"list name without end", [](Forgery& f) { f.lists[0].name.fill('a'); }},
    {"list name with a line end", [](Forgery& f) { f.lists[0].name[1] = '\n'; }},
    {"something behind a list name",
     [](Forgery& f) {
       f.lists[0].name[63] = 'a';
       f.lists[0].name[62] = '\0';
     }},
    {"empty slot with a key", [](Forgery& f) { f.empty(f.hosts).key.high = 1; }},
    {"empty slot with a value", [](Forgery& f) { f.empty(f.paths).value = 1; }},
    {"empty slot with flags", [](Forgery& f) { f.empty(f.hosts).flags = kSelf; }},
    {"unknown flag", [](Forgery& f) { f.host_rule().flags |= 0x80; }},
    {"rule without id", [](Forgery& f) { f.path_rule().value = 0; }},
    {"rule of a list that there is not", [](Forgery& f) { f.path_rule().list = 2; }},
    {"rule without scope", [](Forgery& f) { f.path_rule().flags &= ~(kSelf | kBelow) & 0xFF; }},
    {"path rule for encrypted", [](Forgery& f) { f.path_rule().flags |= kEncryptedOnly; }},
    {"allow rule for encrypted", [](Forgery& f) { f.find(f.hosts, kEncryptedOnly).flags |= kAllow; }},
    {"path info in the path table", [](Forgery& f) { f.path_rule().flags |= kPathInfo; }},
    {"path info of both scopes", [](Forgery& f) { f.path_info().flags |= kSelf | kBelow; }},
    {"path info of no scope", [](Forgery& f) { f.path_info().flags = kPresent | kPathInfo; }},
    {"path info that allows", [](Forgery& f) { f.path_info().flags |= kAllow; }},
    {"path info of a list that there is not", [](Forgery& f) { f.path_info().list = 2; }},
    {"path info without paths",
     [](Forgery& f) {
       f.path_info().value = 0;
       f.path_info().port = kHasBlock;
     }},
    {"path info with a depth but none in the set", [](Forgery& f) { f.path_info().value = 0; }},
    {"path info without block rule but with its list",
     [](Forgery& f) {
       f.path_info().port &= ~kHasBlock & 0xFFFF;
       f.path_info().list = 1;
     }},
    {"port info with a value", [](Forgery& f) { f.port_info().value = 1; }},
    {"port info with a port", [](Forgery& f) { f.port_info().port = 1; }},
    {"port info with a list", [](Forgery& f) { f.port_info().list = 1; }},
    {"port info with a scope", [](Forgery& f) { f.port_info().flags |= kSelf; }},
    {"slot out of its place",
     [](Forgery& f) {
       // An empty slot in between hides it.
       Slot& empty = f.empty(f.hosts);
       empty = f.host_rule();
       const auto place = static_cast<std::uint64_t>(&empty - f.hosts.data());
       empty.key.low = (place + 1) & (f.hosts.size() - 1);
     }},
    {"full table",
     [](Forgery& f) {
       const Slot rule = f.path_rule();
       for (std::size_t i = 0; i < f.paths.size(); ++i) {
         f.paths[i] = rule;
         f.paths[i].key.low = i;
       }
     }},
};

class ForgeryCases : public testing::TestWithParam<ForgeryCase> {};

TEST_P(ForgeryCases, IsCorrupt) {
  Forgery forgery;
  GetParam().forge(forgery);
  mend_checksum(forgery.bytes);
  EXPECT_EQ(open_code(forgery.bytes), "snapshot_corrupt");
}

INSTANTIATE_TEST_SUITE_P(Damage, ForgeryCases, testing::ValuesIn(kForgeryCases));

TEST(SnapshotDamage, AForgeryThatChangesNothingIsGood) {
  Forgery forgery;
  mend_checksum(forgery.bytes);
  EXPECT_EQ(open_code(forgery.bytes), "ok");
}

TEST(SnapshotDamage, ARunThatWouldMakeLookupsLongIsRefused) {
  for (const std::size_t taken : {kMaxRun, kMaxRun + 1}) {
    auto bytes = build_snapshot({{.name = "list"}}, {});
    SnapshotHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    header.host_slots = 2 * kMaxRun;
    header.paths_offset = header.hosts_offset + header.host_slots * sizeof(Slot);
    header.total_bytes = header.paths_offset + header.path_slots * sizeof(Slot);
    bytes.resize(header.total_bytes);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(header.hosts_offset), bytes.end(), std::byte{0});
    std::memcpy(bytes.data(), &header, sizeof(header));
    auto* const hosts = reinterpret_cast<Slot*>(bytes.data() + header.hosts_offset);
    // Across the table's end, where a run goes on at the start.
    for (std::size_t i = 0; i < taken; ++i) {
      const std::size_t place = (header.host_slots - 100 + i) % header.host_slots;
      hosts[place] = {
          .key = {.low = place, .high = 1}, .value = 1, .port = 0, .list = 0, .flags = kPresent | kSelf};
    }
    mend_checksum(bytes);
    EXPECT_EQ(open_code(bytes), taken <= kMaxRun ? "ok" : "snapshot_corrupt");
  }
}

}  // namespace
}  // namespace weir::match
