#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/rule.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::match {

using rules::Action;
using rules::ListPolicy;
using rules::Rule;
using rules::RuleKind;
using rules::SnapshotBuilder;
using rules::SnapshotSeed;

inline constexpr SnapshotSeed kTestSeed{0x1122334455667788, 0x99AABBCCDDEEFF00};
inline constexpr SnapshotBuilder::Header kTestHeader{
    .seed = kTestSeed, .generation = {7}, .created_unix_seconds = 1767323045};

/// An entry of the plain format and its list; `host_only` turns kind domain into kind host.
struct Entry {
  std::string text;
  Action action = Action::block;
  std::uint8_t list = 0;
  bool host_only = false;
};

/// The entries as rules with ids 1, 2, ... Throws std::invalid_argument for one that does not parse.
std::vector<Rule> parse_entries(const std::vector<Entry>& entries);

std::vector<std::byte> build_snapshot(const std::vector<ListPolicy>& lists, const std::vector<Rule>& rules,
                                      const SnapshotBuilder::Header& header = kTestHeader);

/// Sets the checksum to that of the bytes, so that only their contents are wrong. `bytes` is at least a
/// header.
void set_checksum(std::span<std::byte> bytes);

/// A snapshot, its view and a buffer for the URLs to look up.
class Fixture {
 public:
  Fixture(const std::vector<ListPolicy>& lists, const std::vector<Entry>& entries);

  /// Looks up `url` as a client sends it: with https it is encrypted, and its path is not seen. The port of
  /// the connection is the written one or the default of the scheme.
  Match ask(std::string_view url);

  [[nodiscard]] const SnapshotView& view() const noexcept { return view_; }

 private:
  std::vector<std::byte> bytes_;
  SnapshotView view_;
  std::unique_ptr<proto::CanonicalUrl> url_;
};

}  // namespace weir::match
