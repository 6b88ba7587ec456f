#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/ids.h"
#include "dataplane/match/fingerprint.h"
#include "dataplane/match/snapshot_id.h"
#include "dataplane/rules/rule.h"

namespace weir::rules {

using SnapshotSeed = match::FingerprintSeed;

/// A fresh random seed from the operating system.
SnapshotSeed random_snapshot_seed();

/// Longest name of a list in bytes.
inline constexpr std::size_t kMaxListNameBytes = 63;

/// How a list's entries are compiled.
struct ListPolicy {
  std::string name;                // shown in verdicts and metrics; printable
  bool subdomains = false;         // path rules also hold for hosts below
  bool www_equivalent = false;     // www.X and X are one host; hosts below stay those of the entry
  bool block_host_on_tls = false;  // on_tls: block-host: a path rule blocks its own host on TLS and QUIC
  bool manual = false;             // its rules stand in layer 1, which an overlay replaces
};

/// Makes the bytes of a snapshot (format: snapshot_format.h) from rules. The same seed, generation, time,
/// lists and rules, in whatever order they were added, give the same bytes. Names in A-labels are compiled in
/// raw UTF-8 as well, as some clients send them. While it builds it holds no text, but 30 bytes or less for
/// each key, and the bytes that it makes.
class SnapshotBuilder {
 public:
  struct Header {
    SnapshotSeed seed{};
    base::Generation generation;
    std::uint64_t created_unix_seconds = 0;
  };

  /// `lists` in order of precedence. Throws std::invalid_argument for more than base::kMaxLists of them, and
  /// for a name that is too long or not printable.
  SnapshotBuilder(Header header, std::vector<ListPolicy> lists);
  ~SnapshotBuilder();
  SnapshotBuilder(const SnapshotBuilder&) = delete;
  SnapshotBuilder& operator=(const SnapshotBuilder&) = delete;

  /// A rule in canonical form, as EntryParser makes it. Throws std::invalid_argument for a rule without id
  /// and for a list that there is not.
  void add(const Rule& rule);

  /// The whole snapshot. Once for each builder: throws std::logic_error after that.
  [[nodiscard]] std::vector<std::byte> build();

  /// The overlay that replaces layer 1 of `base`: of the manual lists alone, whose rules must be all that
  /// were added. Throws std::invalid_argument when the seed is not that of `base`. Once, as build().
  [[nodiscard]] std::vector<std::byte> build_overlay(const match::SnapshotId& base);

  /// Known once it is built: rules that said the same as another of the same list; the lowest of their ids
  /// stands.
  [[nodiscard]] std::size_t duplicates() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::rules
