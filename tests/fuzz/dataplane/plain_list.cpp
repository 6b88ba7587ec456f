#include "dataplane/rules/plain_list.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/snapshot_builder.h"

namespace {

using namespace weir::rules;
using weir::match::Decision;
using weir::match::Match;
using weir::match::SnapshotView;

void require(bool holds) {
  if (!holds) std::abort();
}

// Of a long list the first rules are enough.
constexpr std::size_t kMaxCompiledRules = 200;

// The text of a rule is an entry for the same rule.
void check_fixed_point(const Rule& rule, EntryParser& parser) {
  const auto again = parser.parse(rule.canonical_text());
  // The text may be longer than the entry: percent-encoding takes three bytes for one.
  if (!again.ok() && again.error().code == "entry_too_long") return;
  require(again.ok() && again.value().kind == rule.kind && again.value().host == rule.host &&
          again.value().path == rule.path && again.value().query == rule.query &&
          again.value().port == rule.port);
}

// A request that the rule names.
std::string request_target(const Rule& rule) {
  return rule.path + (rule.query.empty() ? "" : "?" + rule.query);
}

void check_compiled(const std::vector<Rule>& rules) {
  SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 1}, {{.name = "list"}});
  for (const Rule& rule : rules) builder.add(rule);
  const auto bytes = builder.build();
  const auto view = SnapshotView::open(bytes);
  require(view.ok());
  static auto url = std::make_unique<weir::proto::CanonicalUrl>();
  for (const Rule& rule : rules) {
    const std::string host = (rule.kind == RuleKind::subdomains ? "a." : "") + rule.host;
    const auto error = url->assign_request(host, request_target(rule));
    if (error == weir::proto::UrlError::too_long) continue;
    // One label more than fits.
    if (error == weir::proto::UrlError::host_too_long) continue;
    require(error == weir::proto::UrlError::none);
    const Match match =
        weir::match::lookup(view.value(), {.url = url.get(), .connection_port = rule.port.value_or(80)});
    require(match.decision == Decision::block && match.rule.value <= rule.id.value);
  }
}

// Cut into blocks the list is the same.
void check_blocks(std::string_view text, EntryParser& parser, const PlainListSummary& whole) {
  std::size_t rules = 0;
  PlainListReader reader(parser, [&rules](Rule&&, std::size_t) { ++rules; });
  const std::size_t block = text.empty() ? 1 : 1 + static_cast<std::uint8_t>(text.back()) % 64;
  for (std::size_t at = 0; at < text.size(); at += block) reader.feed(text.substr(at, block));
  const auto summary = reader.finish();
  require(rules == whole.rules && summary.rules == whole.rules && summary.bad_lines == whole.bad_lines);
  require(summary.errors.size() == whole.errors.size());
  for (std::size_t i = 0; i < whole.errors.size(); ++i)
    require(summary.errors[i].line == whole.errors[i].line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static EntryParser parser;
  const std::string text(data, data + size);
  std::vector<Rule> rules;
  std::size_t last_line = 0;
  const auto summary = read_plain_list(text, parser, [&](Rule&& rule, std::size_t line) {
    require(line > last_line);
    last_line = line;
    if (rules.size() == kMaxCompiledRules) return;
    rule.id = {static_cast<std::uint32_t>(rules.size() + 1)};
    rules.push_back(std::move(rule));
  });
  require(summary.errors.size() <= kMaxLineErrors && summary.errors.size() <= summary.bad_lines);
  check_blocks(text, parser, summary);
  for (const Rule& rule : rules) check_fixed_point(rule, parser);
  check_compiled(rules);
  return 0;
}
