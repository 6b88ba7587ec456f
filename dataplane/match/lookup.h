#pragma once

#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"

namespace weir::match {

enum class Decision : std::uint8_t { no_match, block, allow };

/// What is asked: a canonical URL and the ports by which a rule with a port may hold: the one written in the
/// request, or else the connection's (either will do: servers take a request on any port as for themselves).
struct Query {
  const proto::CanonicalUrl* url = nullptr;
  std::uint16_t connection_port = 0;  // transport destination port; 0: unknown
  bool encrypted = false;             // TLS or QUIC: only the host is known, path rules cannot hold
};

struct Match {
  Decision decision = Decision::no_match;
  base::RuleId rule;
  base::ListIndex list;
  bool of_page = false;  // the rule was written with a path, whatever of it holds here
  /// No rule matches, and the host has block rules with a path (of `path_list`, the list of highest
  /// precedence that has one) that an encrypted connection hides.
  bool path_rules_unseen = false;
  base::ListIndex path_list;
};

/// Decides one request. An allow rule wins over every block rule; among rules of one action the list of the
/// highest precedence, then the lowest rule id. Wait-free, no allocation; O(labels + path depth) lookups of
/// one bucket each, in each layer.
Match lookup(const SnapshotView& snapshot, const Query& query) noexcept;

/// lookup() of each query, with the same results: the cache lines that the hosts of all of them need are
/// asked for together. `matches` is as long as `queries`.
void lookup_batch(const SnapshotView& snapshot, std::span<const Query> queries,
                  std::span<Match> matches) noexcept;

/// Whether the snapshot, its overlay included, has the rule `rule`. O(entries): not for the packet path.
bool contains_rule(const SnapshotView& snapshot, base::RuleId rule) noexcept;

}  // namespace weir::match
