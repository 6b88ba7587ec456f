#include "control/intake/list_parser.h"

#include <algorithm>

#include "control/formats/list_reader.h"
#include "control/intake/fetcher.h"

namespace weir::control {

base::Result<ParsedList> parse_list(const config::ListSettings& list, std::string_view text,
                                    const ProtectedHosts& protected_hosts, rules::EntryParser& parser) {
  ParsedList parsed;
  RuleIndex index(parsed.rules);
  const bool block_host_on_tls = list.on_tls == config::OnTls::block_host;
  std::vector<rules::LineError> refused;
  std::size_t refused_count = 0;
  const auto refuse = [&](rules::LineError&& error) {
    ++refused_count;
    if (refused.size() < rules::kMaxLineErrors) refused.push_back(std::move(error));
  };
  const formats::EntrySink sink{.rule =
                                    [&](rules::Rule&& rule, std::size_t line) {
                                      if (protected_hosts.covers(rule, block_host_on_tls))
                                        return refuse({line, "would block a protected host"});
                                      parsed.rules.append(rule);
                                      if (!index.insert(parsed.rules.size() - 1)) {
                                        parsed.rules.pop_back();
                                        ++parsed.duplicates;
                                      }
                                    },
                                .refused = refuse};
  const auto facts = formats::read_list(list, text, parser, sink);
  if (!facts) return base::Error{facts.error().code, describe_source(list) + ": " + facts.error().message};
  parsed.serial = facts.value().serial;
  parsed.token = facts.value().token;
  // The reader of the plain format reports its refused lines at the end.
  std::stable_sort(refused.begin(), refused.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  for (rules::LineError& error : refused) parsed.refused.add(std::move(error));
  parsed.refused.count = refused_count;
  return parsed;
}

}  // namespace weir::control
