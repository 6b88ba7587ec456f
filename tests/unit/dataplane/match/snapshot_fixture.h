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

inline constexpr SnapshotSeed kTestSeed{0x1122334455667788, 0x99AABBCCDDEEFF00};
inline constexpr SnapshotBuilder::Header kTestHeader{
    .seed = kTestSeed, .generation = {7}, .created_unix_seconds = 1767323045};

/// An entry of the plain profile and where it stands; `host_only` makes a domain the kind host.
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

/// Sets the checksum to what the bytes have, as a builder with other ideas would. `bytes` is at least a
/// header.
void mend_checksum(std::span<std::byte> bytes);

/// A snapshot, its view and the buffer for the URLs that are asked.
class Fixture {
 public:
  Fixture(const std::vector<ListPolicy>& lists, const std::vector<Entry>& entries);

  /// `url` as a client sends it: https is encrypted, its path unseen. The connection's port is the written
  /// one or the scheme's default.
  Match ask(std::string_view url);

  [[nodiscard]] const SnapshotView& view() const noexcept { return view_; }

 private:
  std::vector<std::byte> bytes_;
  SnapshotView view_;
  std::unique_ptr<proto::CanonicalUrl> url_;
};

}  // namespace weir::match
