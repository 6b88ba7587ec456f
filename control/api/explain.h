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

/// How a rule stands to a request in cleartext, the nearer the later.
enum class Relation : std::uint8_t {
  unrelated,      // names another host
  host_above,     // names a host above this one, and holds for that one alone
  hosts_below,    // names the hosts below this one
  path_differs,   // names this host and another path
  query_differs,  // names this path and another query
  port_differs,   // would hold on another port
  holds,
};
inline constexpr std::size_t kRelations = static_cast<std::size_t>(Relation::holds) + 1;

/// snake_case code of a relation as the reason why nothing matches (`host_unknown`, ...).
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

/// How many rules of a group are kept; all are counted.
inline constexpr std::size_t kMaxNamedRules = 5;

struct RuleGroup {
  std::size_t count = 0;
  std::vector<NamedRule> first;  // at most kMaxNamedRules, in the order of the lists
};

/// The block rules that have to do with a request, by their relation; allow rules do not count.
struct RelatedRules {
  std::array<RuleGroup, kRelations> groups;

  [[nodiscard]] const RuleGroup& of(Relation relation) const noexcept {
    return groups[static_cast<std::size_t>(relation)];
  }
  /// The nearest relation that any rule has.
  [[nodiscard]] Relation nearest() const noexcept;
};

/// Looks through every list of `view`: linear in its rules. It tells why the lookup decided as it did, and
/// decides nothing itself. `port`: the connection's.
RelatedRules related_rules(const View& view, const proto::CanonicalUrl& url, std::uint16_t port);

}  // namespace weir::control
