#include "match/snapshot_view.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <xxhash.h>

#include "match/lookup.h"
#include "match/snapshot_format.h"
#include "proto/url.h"

namespace {

using namespace weir::match;

void require(bool holds) {
  if (!holds) std::abort();
}

// What the snapshots of the corpus list, and what they do not.
constexpr std::array<std::string_view, 10> kUrls{
    "http://example.com/",          "http://a.b.example.com/a/b/c?d=e",
    "http://www.example.test/a",    "http://www.example.test:8080/a/b/",
    "http://192.0.2.1/a?b",         "http://[2001:db8::1]:8443/",
    "http://shop.test/a/b/c/d/e/f", "http://shop.test/?id=7",
    "http://b%C3%BCcher.example/a", "http://none.invalid/a/b"};

void ask(const SnapshotView& view) {
  static auto url = std::make_unique<weir::proto::CanonicalUrl>();
  for (const std::string_view text : kUrls) {
    require(url->assign_url(text, weir::proto::PortPolicy::lenient) == weir::proto::UrlError::none);
    for (const bool encrypted : {false, true}) {
      const Match match = lookup(view, {.url = url.get(), .connection_port = 8080, .encrypted = encrypted});
      const bool decided = match.decision != Decision::no_match;
      require(!decided || (match.rule.value != 0 && match.list.value < view.list_count()));
      require(!match.path_rules_unseen || (encrypted && match.path_list.value < view.list_count()));
    }
  }
  for (unsigned list = 0; list <= weir::base::kMaxLists; ++list) {
    const weir::base::ListIndex index{static_cast<std::uint8_t>(list)};
    require(view.list_name(index).size() < 64);
    require(list < view.list_count() || (view.whole_host_rules(index) == 0 && view.path_rules(index) == 0));
  }
}

bool open_and_ask(std::span<const std::byte> bytes) {
  const auto view = SnapshotView::open(bytes);
  if (view.ok()) ask(view.value());
  return view.ok();
}

// Gives the bytes the start, size and checksum of a good file, so that the checks behind them are reached.
void mend(std::span<std::byte> bytes) {
  if (bytes.size() < sizeof(SnapshotHeader)) return;
  SnapshotHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = kSnapshotMagic;
  header.version = kSnapshotVersion;
  header.header_bytes = sizeof(SnapshotHeader);
  header.total_bytes = bytes.size();
  header.checksum = XXH3_64bits(bytes.data() + kChecksumStart, bytes.size() - kChecksumStart);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Of exactly this size, so that a read behind the end is one behind the allocation.
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  const bool was_good = open_and_ask(bytes);
  mend(bytes);
  const bool is_good = open_and_ask(bytes);
  require(!was_good || is_good);
  std::vector<std::byte> unaligned(size + 1);
  if (size > 0) std::memcpy(unaligned.data() + 1, bytes.data(), size);
  require(!SnapshotView::open(std::span(unaligned).subspan(1)).ok());
  return 0;
}
