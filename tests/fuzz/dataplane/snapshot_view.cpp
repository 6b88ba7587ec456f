#include "dataplane/match/snapshot_view.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <xxhash.h>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_format.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/snapshot_builder.h"

namespace {

using namespace weir::match;
using namespace weir::rules;

void require(bool holds) {
  if (!holds) std::abort();
}

// Requests that the snapshots of the corpus list, and some that they do not.
constexpr std::array<std::string_view, 10> kUrls{
    "http://example.com/",          "http://a.b.example.com/a/b/c?d=e",
    "http://www.example.test/a",    "http://www.example.test:8080/a/b/",
    "http://192.0.2.1/a?b",         "http://[2001:db8::1]:8443/",
    "http://shop.test/a/b/c/d/e/f", "http://shop.test/?id=7",
    "http://b%C3%BCcher.example/a", "http://none.invalid/a/b"};

void require_sound(const SnapshotView& view, const Match& match, bool encrypted) {
  const bool decided = match.decision != Decision::no_match;
  require(!decided || (match.rule.value != 0 && match.list.value < view.list_count()));
  require(!match.path_rules_unseen || (encrypted && match.path_list.value < view.list_count()));
}

bool is_same(const Match& a, const Match& b) {
  return a.decision == b.decision && a.rule == b.rule && a.list == b.list &&
         a.path_rules_unseen == b.path_rules_unseen && a.path_list == b.path_list;
}

// The requests, in canonical form.
std::vector<Query> queries() {
  static std::array<std::unique_ptr<weir::proto::CanonicalUrl>, kUrls.size()> urls;
  std::vector<Query> queries;
  for (std::size_t i = 0; i < kUrls.size(); ++i) {
    if (!urls[i]) urls[i] = std::make_unique<weir::proto::CanonicalUrl>();
    require(urls[i]->assign_url(kUrls[i], weir::proto::PortPolicy::lenient) == weir::proto::UrlError::none);
    for (const bool encrypted : {false, true}) {
      queries.push_back({.url = urls[i].get(), .connection_port = 8080, .encrypted = encrypted});
    }
  }
  return queries;
}

void ask(const SnapshotView& view) {
  static const std::vector<Query> all = queries();
  std::vector<Match> matches(all.size());
  lookup_batch(view, all, matches);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Match match = lookup(view, all[i]);
    require_sound(view, match, all[i].encrypted);
    require(is_same(match, matches[i]));
  }
  for (unsigned list = 0; list <= weir::base::kMaxLists; ++list) {
    const weir::base::ListIndex index{static_cast<std::uint8_t>(list)};
    require(view.list_name(index).size() < 64);
    require(list < view.list_count() || (view.whole_host_rules(index) == 0 && view.path_rules(index) == 0));
  }
}

// The changes in the overlays of the corpus.
const SnapshotView& base() {
  static const std::vector<std::byte> bytes = [] {
    SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 1},
                            {{.name = "feed"}, {.name = "manual", .manual = true}});
    Rule rule;
    rule.host = "example.com";
    rule.id = {1};
    builder.add(rule);
    return builder.build();
  }();
  static const SnapshotView view = SnapshotView::open(bytes).value();
  return view;
}

bool open_and_ask(std::span<const std::byte> bytes) {
  const auto view = SnapshotView::open(bytes);
  if (!view.ok()) return false;
  ask(view.value());
  if (view.value().is_overlay()) {
    const auto joined = SnapshotView::join(base(), view.value());
    if (joined.ok()) ask(joined.value());
  }
  return true;
}

// Gives the bytes the start, size and checksum of a good file, so that the later checks are reached.
void complete_header(std::span<std::byte> bytes) {
  if (bytes.size() < sizeof(SnapshotHeader)) return;
  SnapshotHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.magic = kSnapshotMagic;
  header.version = kSnapshotVersion;
  header.header_bytes = sizeof(SnapshotHeader);
  header.total_bytes = bytes.size();
  if (header.base_generation != 0) {
    header.base_generation = base().id().generation.value;
    header.base_checksum = base().id().checksum;
    header.seed = base().seed();
  }
  header.checksum = XXH3_64bits(bytes.data() + kChecksumStart, bytes.size() - kChecksumStart);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that a read beyond the end is outside the allocation.
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  const bool was_good = open_and_ask(bytes);
  complete_header(bytes);
  const bool is_good = open_and_ask(bytes);
  require(!was_good || is_good);
  std::vector<std::byte> unaligned(size + 1);
  if (size > 0) std::memcpy(unaligned.data() + 1, bytes.data(), size);
  require(!SnapshotView::open(std::span(unaligned).subspan(1)).ok());
  return 0;
}
