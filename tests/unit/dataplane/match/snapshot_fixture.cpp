#include "tests/unit/dataplane/match/snapshot_fixture.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include <xxhash.h>

#include "dataplane/match/snapshot_format.h"
#include "dataplane/rules/entry_parser.h"

namespace weir::match {

std::vector<Rule> parse_entries(const std::vector<Entry>& entries) {
  rules::EntryParser parser;
  std::vector<Rule> rules;
  for (const Entry& entry : entries) {
    auto rule = parser.parse(entry.text, entry.action);
    if (!rule.ok()) throw std::invalid_argument(entry.text + ": " + rule.error().message);
    rules.push_back(std::move(rule).value());
    if (entry.host_only) rules.back().kind = RuleKind::host;
    rules.back().list = {entry.list};
    rules.back().id = {static_cast<std::uint32_t>(rules.size())};
  }
  return rules;
}

std::vector<std::byte> build_snapshot(const std::vector<ListPolicy>& lists, const std::vector<Rule>& rules,
                                      const SnapshotBuilder::Header& header) {
  SnapshotBuilder builder(header, lists);
  for (const Rule& rule : rules) builder.add(rule);
  return builder.build();
}

void set_checksum(std::span<std::byte> bytes) {
  const std::uint64_t checksum = XXH3_64bits(bytes.data() + kChecksumStart, bytes.size() - kChecksumStart);
  std::memcpy(bytes.data() + offsetof(SnapshotHeader, checksum), &checksum, sizeof(checksum));
}

Fixture::Fixture(const std::vector<ListPolicy>& lists, const std::vector<Entry>& entries)
    : bytes_(build_snapshot(lists, parse_entries(entries))),
      view_(SnapshotView::open(bytes_).value()),
      url_(std::make_unique<proto::CanonicalUrl>()) {}

Match Fixture::ask(std::string_view url) {
  const bool encrypted = url.starts_with("https:");
  if (url_->assign_url(url, proto::PortPolicy::lenient) != proto::UrlError::none) {
    throw std::invalid_argument("no URL: " + std::string(url));
  }
  const std::uint16_t standard = encrypted ? 443 : 80;
  return lookup(view_, {.url = url_.get(),
                        .connection_port = url_->written_port().value_or(standard),
                        .encrypted = encrypted});
}

}  // namespace weir::match
