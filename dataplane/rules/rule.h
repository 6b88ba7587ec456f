#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/ids.h"

namespace weir::rules {

enum class Action : std::uint8_t { block, allow };

/// Which requests a rule matches (the matching rules of the list format: config/README.md).
enum class RuleKind : std::uint8_t {
  domain,      // the host and every host below it
  subdomains,  // only the hosts below it
  host,        // that host alone
  prefix,      // paths under a directory
  url,         // that path with any query
  url_query    // that path with that query
};

struct RuleKindRow {
  RuleKind value;
  std::string_view name;
};
inline constexpr std::array<RuleKindRow, 6> kRuleKinds{{
    {.value = RuleKind::domain, .name = "domain"},
    {.value = RuleKind::subdomains, .name = "subdomains"},
    {.value = RuleKind::host, .name = "host"},
    {.value = RuleKind::prefix, .name = "prefix"},
    {.value = RuleKind::url, .name = "url"},
    {.value = RuleKind::url_query, .name = "url_query"},
}};
static_assert(
    [] {
      for (std::size_t i = 0; i < kRuleKinds.size(); ++i) {
        if (kRuleKinds[i].value != static_cast<RuleKind>(i)) return false;
      }
      return true;
    }(),
    "rows stand in the order of the enum");
static_assert(kRuleKinds.back().value == RuleKind::url_query, "the last value has a row");

constexpr std::string_view to_string(RuleKind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index < kRuleKinds.size() ? kRuleKinds[index].name : "unknown";
}

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
