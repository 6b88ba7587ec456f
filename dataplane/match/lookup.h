#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "match/snapshot_view.h"
#include "proto/url.h"

namespace weir::match {

enum class Decision : std::uint8_t { no_match, block, allow };

/// What is asked: a canonical URL and the ports by which a rule with a port may hold.
struct Query {
  const proto::CanonicalUrl* url = nullptr;
  std::uint16_t connection_port = 0;  // transport destination port; 0: unknown
  bool encrypted = false;             // TLS or QUIC: only the host is known, path rules cannot hold
};

struct Match {
  Decision decision = Decision::no_match;
  base::RuleId rule;
  base::ListIndex list;
  /// The host has path rules (of `path_list`) that an encrypted connection hides.
  bool path_rules_unseen = false;
  base::ListIndex path_list;
};

/// Decides one request. An allow rule wins over every block rule; among block rules the list of the highest
/// precedence, then the lowest rule id. Wait-free, no allocation; O(labels + path depth) lookups.
Match lookup(const SnapshotView& snapshot, const Query& query) noexcept;

}  // namespace weir::match
