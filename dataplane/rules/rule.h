#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/enum_rows.h"
#include "dataplane/base/ids.h"

namespace weir::rules {

enum class Action : std::uint8_t { block, allow };
inline constexpr auto kActions = std::to_array<base::EnumRow<Action>>({
    {Action::block, "block", "requests that the rule matches are blocked"},
    {Action::allow, "allow", "requests that the rule matches pass, whatever other rules say"},
});
static_assert(base::names_every_value<kActions>(),
              "kActions: one row for each Action, in the order of the enum");

constexpr std::string_view to_string(Action action) noexcept { return kActions[base::index_of(action)].name; }

/// Which requests a rule matches (the matching rules of the list format: config/README.md).
enum class RuleKind : std::uint8_t { domain, subdomains, host, prefix, url, url_query };
inline constexpr auto kRuleKinds = std::to_array<base::EnumRow<RuleKind>>({
    {RuleKind::domain, "domain", "the host and every host below it"},
    {RuleKind::subdomains, "subdomains", "only the hosts below it"},
    {RuleKind::host, "host", "that host alone"},
    {RuleKind::prefix, "prefix", "paths under a directory"},
    {RuleKind::url, "url", "that path with any query"},
    {RuleKind::url_query, "url_query", "that path with that query"},
});
static_assert(base::names_every_value<kRuleKinds>(),
              "kRuleKinds: one row for each RuleKind, in the order of the enum");

constexpr std::string_view to_string(RuleKind kind) noexcept { return kRuleKinds[base::index_of(kind)].name; }

/// What an entry for the hosts below another begins with.
inline constexpr std::string_view kWildcard = "*.";

/// The scheme that an entry must be written with so that `port` is read back; mostly none. Without a scheme
/// port 80 would be read as no port.
std::string_view scheme_for_port(std::optional<std::uint16_t> port) noexcept;

/// A list entry in canonical form. `path` and `query` are empty for the kinds that have none.
struct Rule {
  RuleKind kind = RuleKind::domain;
  Action action = Action::block;
  std::string host;
  std::string path;
  std::string query;
  std::optional<std::uint16_t> port;
  base::RuleId id;
  base::ListIndex list;

  /// `host[:port]/path?query`; `*.host` for subdomains. Equal rules of one kind have the same text. As an
  /// entry it reads as the same rule again, except for kind host, which the plain format cannot write.
  [[nodiscard]] std::string canonical_text() const;
  [[nodiscard]] bool is_whole_host() const noexcept { return kind <= RuleKind::host; }
};

}  // namespace weir::rules
