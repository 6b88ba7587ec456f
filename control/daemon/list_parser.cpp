#include "control/list_parser.h"

#include <algorithm>

namespace weir::control {

ParsedList parse_list(const config::ListSettings& list, std::string_view text,
                      const ProtectedHosts& protected_hosts, match::EntryParser& parser) {
  ParsedList parsed;
  RuleIndex index(parsed.rules);
  const bool block_host_on_tls = list.on_tls == config::OnTls::block_host;
  std::vector<match::LineError> covering;
  auto summary = match::read_plain_list(text, parser, [&](match::Rule&& rule, std::size_t line) {
    if (protected_hosts.covers(rule, block_host_on_tls)) {
      covering.push_back({line, "would block a protected host"});
      return;
    }
    parsed.rules.append(rule);
    if (!index.insert(parsed.rules.size() - 1)) {
      parsed.rules.pop_back();
      ++parsed.duplicates;
    }
  });
  std::vector<match::LineError> errors = std::move(summary.errors);
  errors.insert(errors.end(), std::make_move_iterator(covering.begin()),
                std::make_move_iterator(covering.end()));
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  for (match::LineError& error : errors) parsed.refused.add(std::move(error));
  return parsed;
}

}  // namespace weir::control
