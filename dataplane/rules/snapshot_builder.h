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

/// How the entries of a list are compiled.
struct ListPolicy {
  std::string name;                // shown in verdicts and metrics; printable
  bool subdomains = false;         // path rules match the hosts below too
  bool www_equivalent = false;     // www.X and X are one host; the hosts below remain those of the entry
  bool block_host_on_tls = false;  // on_tls: block-host; a path rule blocks its host on TLS and QUIC
  bool manual = false;             // its rules are in layer 1, which an overlay replaces
};

/// Makes the bytes of a snapshot (format: snapshot_format.h) from rules. The same seed, generation, time,
/// lists and rules, added in any order, give the same bytes. Names in A-labels are compiled in raw UTF-8 too,
/// because some clients send that. While building it holds no text, only 30 bytes or less per key, and the
/// result.
class SnapshotBuilder {
 public:
  struct Header {
    SnapshotSeed seed{};
    base::Generation generation;
    std::uint64_t created_unix_seconds = 0;
  };

  /// `lists` is in order of precedence. Throws std::invalid_argument for more than base::kMaxLists lists and
  /// for a name that is too long or not printable.
  SnapshotBuilder(Header header, std::vector<ListPolicy> lists);
  ~SnapshotBuilder();
  SnapshotBuilder(const SnapshotBuilder&) = delete;
  SnapshotBuilder& operator=(const SnapshotBuilder&) = delete;

  /// Adds a rule in canonical form, as EntryParser makes it. Throws std::invalid_argument for a rule without
  /// id or of a list that does not exist.
  void add(const Rule& rule);

  /// The whole snapshot. Can be called once: throws std::logic_error after that.
  [[nodiscard]] std::vector<std::byte> build();

  /// The overlay that replaces layer 1 of `base`. Only rules of manual lists may have been added. Throws
  /// std::invalid_argument for other rules and for a seed other than that of `base`. Once, as build().
  [[nodiscard]] std::vector<std::byte> build_overlay(const match::SnapshotId& base);

  /// After building: the number of rules that duplicate another one of the same list. Of duplicates the
  /// lowest id is kept.
  [[nodiscard]] std::size_t duplicates() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::rules
