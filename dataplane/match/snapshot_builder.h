#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "match/rule.h"

namespace weir::match {

/// Secret of one snapshot; fingerprints mean nothing without it.
using SnapshotSeed = std::array<std::uint64_t, 2>;

/// A fresh random seed from the operating system.
SnapshotSeed random_snapshot_seed();

/// How a list's entries are compiled.
struct ListPolicy {
  std::string name;                // shown in verdicts and metrics; at most 63 bytes
  bool subdomains = false;         // path rules also hold for hosts below
  bool www_equivalent = false;     // www.X and X are one host
  bool block_host_on_tls = false;  // on_tls: block-host
};

/// Makes the bytes of a snapshot (format: snapshot_format.h) from rules. The same seed, generation, time,
/// lists and rules in the same order give the same bytes.
class SnapshotBuilder {
 public:
  struct Header {
    SnapshotSeed seed{};
    base::Generation generation;
    std::uint64_t created_unix_seconds = 0;
  };

  /// `lists` in order of precedence, at most kMaxLists.
  SnapshotBuilder(Header header, std::vector<ListPolicy> lists);
  ~SnapshotBuilder();
  SnapshotBuilder(const SnapshotBuilder&) = delete;
  SnapshotBuilder& operator=(const SnapshotBuilder&) = delete;

  void add(const Rule& rule);

  /// Rules added that say the same as an earlier one of the same list.
  [[nodiscard]] std::size_t duplicates() const noexcept;

  [[nodiscard]] std::vector<std::byte> build() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::match
