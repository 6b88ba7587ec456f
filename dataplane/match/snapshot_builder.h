#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "match/fingerprint.h"
#include "match/rule.h"

namespace weir::match {

using SnapshotSeed = FingerprintSeed;

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
};

/// Makes the bytes of a snapshot (format: snapshot_format.h) from rules. The same seed, generation, time,
/// lists and rules in the same order give the same bytes. Names in A-labels are compiled in raw UTF-8 as
/// well, as some clients send them. Takes 24 bytes a key while it builds, twice.
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

  /// Rules added that say the same as an earlier one of the same list; the lowest of their ids stands.
  [[nodiscard]] std::size_t duplicates() const noexcept;

  [[nodiscard]] std::vector<std::byte> build() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::match
