#include <cstdint>

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/numbers.h"
#include "control/ctl/text_table.h"
#include "dataplane/base/request.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

constexpr std::size_t kDefaultRules = 100;

/// Rules by id: `rule 3 of list a (url), rule 4 of list b (domain) and 7 more`; empty if there are none.
std::string rules_text(const json& group) {
  std::string text;
  std::int64_t shown = 0;
  for (const json& rule : member(group, "rules")) {
    text += fmt::format("{}rule {} of list {} ({})", shown == 0 ? "" : ", ", cell(rule, "rule"),
                        cell(rule, "list"), cell(rule, "kind"));
    ++shown;
  }
  const json& count = member(group, "count");
  if (count.is_number_integer() && count.get<std::int64_t>() > shown) {
    text += fmt::format(" and {} more", count.get<std::int64_t>() - shown);
  }
  return printable(text);
}

}  // namespace

base::Result<json> add_request(const Given& given) {
  json params{{"entry", given.arguments[0]}, {"action", given.has("allow") ? "allow" : "block"}};
  for (const char* option : {"list", "comment", "expires"}) {
    if (given.has(option)) params[option] = given.text(option);
  }
  if (given.has("confirm")) params["confirm"] = true;
  return params;
}

int print_added(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("rule {} of list {}{}\n", cell(answer, "rule"),
                               printable(cell(answer, "list")),
                               is_true(answer, "existed") ? " (it existed already)" : "");
  return print_generation(session, answer);
}

/// A number is the id of a rule: no host is a plain number.
base::Result<json> remove_request(const Given& given) {
  json params = json::object();
  if (const auto id = number(given.arguments[0])) {
    params["id"] = *id;
  } else {
    params["entry"] = given.arguments[0];
  }
  if (given.has("list")) params["list"] = given.text("list");
  return params;
}

int print_removed(const Session& session, const Given&, const json& answer) {
  for (const json& id : member(answer, "removed"))
    session.out() << fmt::format("rule {} removed\n", id.dump());
  return print_generation(session, answer);
}

base::Result<json> rules_request(const Given& given) {
  json params{{"limit", kDefaultRules}};
  if (!given.arguments.empty()) params["list"] = given.arguments[0];
  if (given.has("entries")) params["entries"] = true;
  if (given.has("cursor")) params["cursor"] = given.text("cursor");
  if (!given.has("limit")) return params;
  const auto limit = number(given.text("limit"));
  if (!limit) return not_a_number("--limit", given.text("limit"));
  params["limit"] = *limit;
  return params;
}

int print_rules(const Session& session, const Given& given, const json& answer) {
  std::vector<TextTable::Column> columns{TextTable::right("ID"),     TextTable::left("LIST"),
                                         TextTable::left("KIND"),    TextTable::left("ACTION"),
                                         TextTable::left("EXPIRES"), TextTable::left("COMMENT")};
  if (given.has("entries")) columns.push_back(TextTable::left("ENTRY"));
  TextTable table(std::move(columns));
  for (const json& rule : member(answer, "rules")) {
    std::vector<std::string> row{cell(rule, "id"),     cell(rule, "list"),         cell(rule, "kind"),
                                 cell(rule, "action"), time_cell(rule, "expires"), cell(rule, "comment")};
    if (given.has("entries")) row.push_back(cell(rule, "entry"));
    table.add(std::move(row));
  }
  table.print(session.out());
  if (const auto cursor = text_at(answer, "cursor")) {
    session.out() << fmt::format("there are more: continue with --cursor {}\n", printable(*cursor));
  }
  return kDone;
}

base::Result<json> check_request(const Given& given) { return json{{"url", given.arguments[0]}}; }

int print_check(const Session& session, const Given&, const json& answer) {
  const bool blocked = text_at(answer, "verdict") == base::to_string(base::RequestVerdict::block);
  session.out() << (blocked ? session.bad("block") : session.good("pass")) << ": " << cell(answer, "reason");
  if (member(answer, "rule").is_number()) {
    session.out() << fmt::format(", rule {} of list {} ({})", cell(answer, "rule"),
                                 printable(cell(answer, "list")), printable(cell(answer, "kind")));
  }
  session.out() << "\ncanonical  " << printable(cell(answer, "canonical")) << '\n';
  for (const auto& [protocol, result] : member(answer, "by_protocol").items()) {
    session.out() << fmt::format(
        "{:<10} {}{}\n", protocol, cell(result, "verdict"),
        is_true(result, "path_rules_unseen") ? "; a path is listed, but encryption hides paths" : "");
  }
  if (const json& why = member(answer, "why"); why.is_object()) {
    const std::string rules = rules_text(why);
    session.out() << fmt::format("why        {}{}{}\n", printable(cell(why, "text")),
                                 rules.empty() ? "" : ": ", rules);
  }
  if (const json& overrides = member(answer, "overrides"); overrides.is_object()) {
    const std::string rules = rules_text(overrides);
    session.out() << "overrides  " << (rules.empty() ? "no block rule" : rules) << '\n';
  }
  if (!is_true(answer, "active")) session.out() << "this generation is not active: see `weirctl status`\n";
  return kDone;
}

}  // namespace weir::ctl
