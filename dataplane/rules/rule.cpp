#include "dataplane/rules/rule.h"

namespace weir::rules {

std::string_view scheme_for_port(std::optional<std::uint16_t> port) noexcept {
  constexpr std::uint16_t kDefaultPort = 80;  // of an entry without a scheme
  return port == kDefaultPort ? "https://" : "";
}

std::string Rule::canonical_text() const {
  std::string text(scheme_for_port(port));
  if (kind == RuleKind::subdomains) text += kWildcard;
  text += host;
  if (port) text += ":" + std::to_string(*port);
  if (!is_whole_host()) text += path;
  if (kind == RuleKind::url_query) text += "?" + query;
  return text;
}

}  // namespace weir::rules
