#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "control/publish/publisher.h"
#include "dataplane/base/ids.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/rule.h"

namespace weir::control {

/// How a rule relates to a request in cleartext. Later values are closer to a match.
enum class Relation : std::uint8_t {
  unrelated,      // names another host
  host_above,     // names a host above this one, and only that host
  hosts_below,    // names the hosts below this one, not the host itself
  path_differs,   // names this host and another path
  query_differs,  // names this path and another query
  port_differs,   // would match on another port
  matches,
};
inline constexpr std::size_t kRelations = static_cast<std::size_t>(Relation::matches) + 1;

/// The relation as a code for why nothing matches (`host_unknown`, ...).
std::string_view reason_code(Relation relation) noexcept;
/// The same as a sentence.
std::string_view reason_text(Relation relation) noexcept;

/// A rule without the text of its entry.
struct NamedRule {
  base::RuleId id;
  std::size_t list = 0;
  rules::RuleKind kind = rules::RuleKind::domain;
  rules::Action action = rules::Action::block;
};

/// How many rules of a group are named; all are counted.
inline constexpr std::size_t kMaxNamedRules = 5;

struct RuleGroup {
  std::size_t count = 0;
  std::vector<NamedRule> first;  // at most kMaxNamedRules, in the order of the lists
};

/// The block rules that relate to a request, by relation. Allow rules are not counted.
struct RelatedRules {
  std::array<RuleGroup, kRelations> groups;

  [[nodiscard]] const RuleGroup& of(Relation relation) const noexcept {
    return groups[static_cast<std::size_t>(relation)];
  }
  /// The closest relation of any rule.
  [[nodiscard]] Relation nearest() const noexcept;
};

/// Searches every list of `view`; linear in its rules. It explains the lookup's decision and decides nothing
/// itself. `port` is the connection's.
RelatedRules related_rules(const View& view, const proto::CanonicalUrl& url, std::uint16_t port);

}  // namespace weir::control
