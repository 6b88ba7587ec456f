#pragma once

#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/base/request.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"

namespace weir::match {

enum class Decision : std::uint8_t { no_match, block, allow };

/// What a decision means for the request.
constexpr base::RequestVerdict verdict_of(Decision decision) noexcept {
  return decision == Decision::block ? base::RequestVerdict::block : base::RequestVerdict::pass;
}
constexpr base::Reason reason_of(Decision decision) noexcept {
  switch (decision) {
    case Decision::no_match:
      break;
    case Decision::block:
      return base::Reason::listed;
    case Decision::allow:
      return base::Reason::allow_rule;
  }
  return base::Reason::no_match;
}

/// A request: a canonical URL and the port of the connection. A rule with a port matches by the port written
/// in the request or by that of the connection, because servers accept a request whatever port is written.
struct Query {
  const proto::CanonicalUrl* url = nullptr;
  std::uint16_t connection_port = 0;  // destination port of TCP or UDP; 0: unknown
  bool encrypted = false;             // TLS or QUIC: only the host is known, path rules cannot match
};

struct Match {
  Decision decision = Decision::no_match;
  base::RuleId rule;
  base::ListIndex list;
  bool of_page = false;  // the rule was written with a path, even if only its host matches here
  /// No rule matches, but the host has block rules with a path, which an encrypted connection hides.
  /// `path_list` is the list of highest precedence that has one.
  bool path_rules_unseen = false;
  base::ListIndex path_list;
};

/// Decides about one request. An allow rule wins over every block rule; among rules of one action the list of
/// highest precedence wins, then the lowest rule id. Wait-free, no allocation. O(labels + path depth) lookups
/// of one bucket each, per layer.
Match lookup(const SnapshotView& snapshot, const Query& query) noexcept;

/// lookup() of each query. Same results, but the cache lines for the hosts of all queries are prefetched
/// together. `matches` is as long as `queries`.
void lookup_batch(const SnapshotView& snapshot, std::span<const Query> queries,
                  std::span<Match> matches) noexcept;

/// Whether the snapshot, its overlay included, has the rule `rule`. O(entries): not for the packet path.
bool contains_rule(const SnapshotView& snapshot, base::RuleId rule) noexcept;

}  // namespace weir::match
