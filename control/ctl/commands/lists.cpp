#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/text_table.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

/// The STATE column: `good`, `empty`, or the stage and code of the last error.
std::string state_of(const json& list) {
  const json& error = member(list, "error");
  std::string state = is_true(list, "loaded") ? "good" : "empty";
  if (error.is_object()) state = fmt::format("{}: {}", cell(error, "stage"), cell(error, "code"));
  return is_true(list, "stale") ? "stale; " + state : state;
}

void print_refused_lines(const Session& session, const json& list) {
  const json& errors = member(list, "errors");
  std::size_t shown = 0;
  for (const json& error : member(errors, "first")) {
    session.out() << printable(fmt::format("{}:{}: {}", cell(error, "file"), cell(error, "line"),
                                           cell(error, "reason")))
                  << '\n';
    ++shown;
  }
  const json& count = member(errors, "count");
  if (count.is_number_unsigned() && count.get<std::size_t>() > shown) {
    session.out() << fmt::format("list {}: {} more lines refused\n", printable(cell(list, "name")),
                                 count.get<std::size_t>() - shown);
  }
}

/// Each entry on a line of its own, after `mark`.
void print_entries(const Session& session, const json& entries, std::string_view mark) {
  for (const json& entry : entries) {
    if (entry.is_string()) session.out() << mark << ' ' << printable(entry.get<std::string>()) << '\n';
  }
}

}  // namespace

void print_list_table(const Session& session, const json& lists) {
  TextTable table({TextTable::left("LIST"), TextTable::left("TYPE"), TextTable::right("ENTRIES"),
                   TextTable::right("HOSTS"), TextTable::right("PATHS"), TextTable::right("REFUSED"),
                   TextTable::left("LAST SUCCESS"), TextTable::left("STATE")});
  for (const json& list : lists) {
    table.add({cell(list, "name"), cell(list, "type"), cell(list, "entries"), cell(list, "whole_host_rules"),
               cell(list, "path_rules"), cell(member(list, "errors"), "count"),
               time_cell(list, "last_success"), state_of(list)});
  }
  table.print(session.out());
}

int print_lists(const Session& session, const Given&, const json& answer) {
  const json& lists = member(answer, "lists");
  print_list_table(session, lists);
  for (const json& list : lists) {
    const json& error = member(list, "error");
    if (error.is_object()) {
      session.out() << printable(fmt::format("list {}: {}", cell(list, "name"), cell(error, "message")))
                    << '\n';
    }
    print_refused_lines(session, list);
  }
  return kDone;
}

base::Result<json> reload_request(const Given& given) {
  json params{{"dry_run", given.has("dry-run")}};
  if (!given.arguments.empty()) params["list"] = given.arguments[0];
  return params;
}

int print_reload(const Session& session, const Given&, const json& answer) {
  TextTable table({TextTable::left("LIST"), TextTable::right("ENTRIES"), TextTable::right("ADDED"),
                   TextTable::right("REMOVED"), TextTable::right("DUPLICATES"), TextTable::right("REFUSED")});
  for (const json& list : member(answer, "lists")) {
    table.add({cell(list, "name"), cell(list, "entries"), cell(list, "added"), cell(list, "removed"),
               cell(list, "duplicates"), cell(member(list, "errors"), "count")});
  }
  table.print(session.out());
  for (const json& list : member(answer, "lists")) print_refused_lines(session, list);
  if (is_true(answer, "dry_run")) {
    session.out() << "dry run: the reload would succeed; nothing was changed\n";
    return kDone;
  }
  return print_generation(session, answer);
}

base::Result<json> diff_request(const Given& given) {
  return json{{"list", given.arguments[0]}, {"entries", given.has("entries")}};
}

int print_diff(const Session& session, const Given&, const json& answer) {
  session.out() << printable(fmt::format(
                       "list {}: {} entries now, {} after a reload: {} added, {} removed, {} unchanged",
                       cell(answer, "list"), cell(answer, "before"), cell(answer, "after"),
                       cell(answer, "added"), cell(answer, "removed"), cell(answer, "unchanged")))
                << '\n';
  std::string ids;
  for (const json& id : member(answer, "removed_rules")) ids += (ids.empty() ? "" : ", ") + id.dump();
  if (!ids.empty()) session.out() << "rules that would be removed: " << ids << '\n';
  print_entries(session, member(answer, "removed_entries"), "-");
  print_entries(session, member(answer, "added_entries"), "+");
  const json& refused = member(answer, "refused");
  if (!refused.is_object()) return kDone;
  session.out() << session.bad("the feed would be refused") << ": " << printable(cell(refused, "message"))
                << '\n';
  return kFailed;
}

}  // namespace weir::ctl
