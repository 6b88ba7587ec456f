#include "control/ctl/printers.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "control/ctl/text_table.h"

namespace weir::ctl {
namespace {

using nlohmann::json;
using Align = TextTable::Align;

const json& member(const json& object, const char* key) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

/// A member as a cell: text as it is, numbers and flags in words, nothing as `-`.
std::string cell(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

bool is_true(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string time_cell(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_number_integer() || value.get<std::int64_t>() == 0) return "-";
  const std::time_t time = static_cast<std::time_t>(value.get<std::int64_t>());
  std::tm parts{};
  std::array<char, 40> text{};
  if (::localtime_r(&time, &parts) == nullptr) return "-";
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts));
}

std::string seconds_cell(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_number() ? fmt::format("{:.3f} s", value.get<double>()) : "-";
}

void print_list_table(const Session& session, const json& lists) {
  TextTable table({{"LIST"},
                   {"TYPE"},
                   {"ENTRIES", Align::right},
                   {"HOSTS", Align::right},
                   {"PATHS", Align::right},
                   {"REFUSED", Align::right},
                   {"LAST GOOD"},
                   {"STATE"}});
  for (const json& list : lists) {
    const json& error = member(list, "error");
    std::string state = is_true(list, "loaded") ? "good" : "empty";
    if (error.is_object()) state = fmt::format("{}: {}", cell(error, "stage"), cell(error, "code"));
    if (is_true(list, "stale")) state.insert(0, "stale; ");
    table.add({cell(list, "name"), cell(list, "type"), cell(list, "entries"), cell(list, "whole_host_rules"),
               cell(list, "path_rules"), cell(member(list, "errors"), "count"),
               time_cell(list, "last_success"), state});
  }
  table.print(session.out());
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

/// Rules by id alone: `: rule 3 of list a (url), rule 4 of list b (domain) and 7 more`; empty for none.
std::string rules_text(const json& group) {
  std::string text;
  std::int64_t shown = 0;
  for (const json& rule : member(group, "rules")) {
    text += fmt::format("{}rule {} of list {} ({})", shown == 0 ? ": " : ", ", cell(rule, "rule"),
                        cell(rule, "list"), cell(rule, "kind"));
    ++shown;
  }
  const json& count = member(group, "count");
  if (count.is_number_integer() && count.get<std::int64_t>() > shown) {
    text += fmt::format(" and {} more", count.get<std::int64_t>() - shown);
  }
  return printable(text);
}

/// What every update ends with.
int print_generation(const Session& session, const json& answer) {
  const bool active = is_true(answer, "active");
  session.out() << fmt::format("generation {} {} ({})\n", cell(answer, "generation"),
                               active ? session.good("is active") : session.bad("is not active"),
                               seconds_cell(answer, "seconds"));
  return active ? kDone : kFailed;
}

std::string labels_text(const json& labels) {
  std::string text;
  if (!labels.is_object()) return text;
  for (const auto& [key, value] : labels.items()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

}  // namespace

int print_status(const Session& session, const Given&, const json& answer) {
  const bool healthy = is_true(answer, "healthy");
  const json& problems = member(answer, "problems");
  if (healthy) {
    const bool monitoring = cell(answer, "enforcement") == "monitor";
    session.out() << session.good(monitoring ? "Weir is watching" : "Weir is enforcing")
                  << fmt::format(": generation {} is active\n", cell(answer, "generation"));
  } else {
    const std::string first =
        problems.is_array() && !problems.empty() ? cell(problems[0], "message") : "unknown";
    session.out() << session.bad("Weir is NOT doing its job") << ": " << printable(first) << '\n';
  }
  for (std::size_t i = 1; i < problems.size(); ++i) {
    session.out() << "problem: " << printable(cell(problems[i], "message")) << '\n';
  }
  for (const json& warning : member(answer, "warnings")) {
    session.out() << "warning: " << printable(cell(warning, "message")) << '\n';
  }
  const json& dataplane = member(answer, "dataplane");
  const json& details = member(dataplane, "status");
  session.out() << fmt::format("\ndataplane   {}, mode {}, generation {}, active since {}\n",
                               is_true(dataplane, "up") ? "up" : "down", cell(answer, "enforcement"),
                               cell(dataplane, "generation"),
                               time_cell(member(details, "snapshot"), "activated_unix_seconds"));
  session.out() << fmt::format("control     version {}, generation {} built {}\n\n", cell(answer, "version"),
                               cell(answer, "generation"), time_cell(answer, "created"));
  print_list_table(session, member(answer, "lists"));
  const json& ports = member(details, "ports");
  if (!ports.is_array() || ports.empty()) return healthy ? kDone : kFailed;
  session.out() << '\n';
  TextTable table({{"PORT"},
                   {"ROLE"},
                   {"LINK"},
                   {"RECEIVED", Align::right},
                   {"SENT", Align::right},
                   {"MISSED", Align::right}});
  for (const json& port : ports) {
    table.add({cell(port, "name"), cell(port, "role"), is_true(port, "link_up") ? "up" : "down",
               cell(port, "received_packets"), cell(port, "transmitted_packets"),
               cell(port, "missed_packets")});
  }
  table.print(session.out());
  return healthy ? kDone : kFailed;
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

int print_reload(const Session& session, const Given&, const json& answer) {
  TextTable table({{"LIST"},
                   {"ENTRIES", Align::right},
                   {"ADDED", Align::right},
                   {"REMOVED", Align::right},
                   {"DUPLICATES", Align::right},
                   {"REFUSED", Align::right}});
  for (const json& list : member(answer, "lists")) {
    table.add({cell(list, "name"), cell(list, "entries"), cell(list, "added"), cell(list, "removed"),
               cell(list, "duplicates"), cell(member(list, "errors"), "count")});
  }
  table.print(session.out());
  for (const json& list : member(answer, "lists")) print_refused_lines(session, list);
  if (is_true(answer, "dry_run")) {
    session.out() << "dry run: all good, nothing was changed\n";
    return kDone;
  }
  return print_generation(session, answer);
}

int print_diff(const Session& session, const Given&, const json& answer) {
  session.out() << printable(
                       fmt::format("list {}: {} entries now, {} then: {} added, {} removed, {} unchanged",
                                   cell(answer, "list"), cell(answer, "before"), cell(answer, "after"),
                                   cell(answer, "added"), cell(answer, "removed"), cell(answer, "unchanged")))
                       .append("\n");
  std::string ids;
  for (const json& id : member(answer, "removed_rules")) ids += (ids.empty() ? "" : ", ") + id.dump();
  if (!ids.empty()) session.out() << "rules that would go: " << ids << '\n';
  for (const json& entry : member(answer, "removed_entries")) {
    if (entry.is_string()) session.out() << "- " << printable(entry.get<std::string>()) << '\n';
  }
  for (const json& entry : member(answer, "added_entries")) {
    if (entry.is_string()) session.out() << "+ " << printable(entry.get<std::string>()) << '\n';
  }
  const json& refused = member(answer, "refused");
  if (!refused.is_object()) return kDone;
  session.out() << session.bad("it would not be loaded") << ": " << printable(cell(refused, "message"))
                << '\n';
  return kFailed;
}

int print_added(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("rule {} on list {}{}\n", cell(answer, "rule"),
                               printable(cell(answer, "list")),
                               is_true(answer, "existed") ? " (it was there already)" : "");
  return print_generation(session, answer);
}

int print_removed(const Session& session, const Given&, const json& answer) {
  for (const json& id : member(answer, "removed"))
    session.out() << fmt::format("rule {} removed\n", id.dump());
  return print_generation(session, answer);
}

int print_rules(const Session& session, const Given& given, const json& answer) {
  std::vector<TextTable::Column> columns{{"ID", Align::right}, {"LIST"},    {"KIND"},
                                         {"ACTION"},           {"EXPIRES"}, {"COMMENT"}};
  if (given.has("entries")) columns.push_back({"ENTRY"});
  TextTable table(std::move(columns));
  for (const json& rule : member(answer, "rules")) {
    std::vector<std::string> row{cell(rule, "id"),     cell(rule, "list"),         cell(rule, "kind"),
                                 cell(rule, "action"), time_cell(rule, "expires"), cell(rule, "comment")};
    if (given.has("entries")) row.push_back(cell(rule, "entry"));
    table.add(std::move(row));
  }
  table.print(session.out());
  if (member(answer, "cursor").is_string()) {
    session.out() << fmt::format("There is more: --cursor {}\n", cell(answer, "cursor"));
  }
  return kDone;
}

int print_check(const Session& session, const Given&, const json& answer) {
  const bool block = cell(answer, "verdict") == "block";
  session.out() << (block ? session.bad("block") : session.good("pass")) << ": " << cell(answer, "reason");
  if (member(answer, "rule").is_number()) {
    session.out() << fmt::format(", rule {} of list {} ({})", cell(answer, "rule"),
                                 printable(cell(answer, "list")), printable(cell(answer, "kind")));
  }
  session.out() << "\ncanonical  " << printable(cell(answer, "canonical")) << '\n';
  for (const auto& [protocol, result] : member(answer, "by_protocol").items()) {
    session.out() << fmt::format(
        "{:<10} {}{}\n", protocol, cell(result, "verdict"),
        is_true(result, "path_rules_unseen") ? ": a rule on a path, which encryption hides" : "");
  }
  const json& why = member(answer, "why");
  if (why.is_object()) {
    session.out() << fmt::format("why        {}{}\n", printable(cell(why, "text")), rules_text(why));
  }
  const json& overrides = member(answer, "overrides");
  if (overrides.is_object()) {
    const std::string rules = rules_text(overrides);
    session.out() << "overrides  " << (rules.empty() ? "no block rule" : rules.substr(2)) << '\n';
  }
  if (!is_true(answer, "active")) session.out() << "this generation is not active: see `weirctl status`\n";
  return kDone;
}

int print_snapshots(const Session& session, const Given&, const json& answer) {
  TextTable table({{"GENERATION", Align::right}, {"BUILT"}, {"ENTRIES", Align::right}, {"STATE"}});
  for (const json& snapshot : member(answer, "snapshots")) {
    std::string state = is_true(snapshot, "current") ? "current" : "";
    if (is_true(snapshot, "active")) state += state.empty() ? "active" : ", active";
    table.add(
        {cell(snapshot, "generation"), time_cell(snapshot, "created"), cell(snapshot, "entries"), state});
  }
  table.print(session.out());
  return kDone;
}

int print_rollback(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("what generation {} held is back\n", cell(answer, "content_of"));
  return print_generation(session, answer);
}

int print_mode(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format(
      "mode {}, until the dataplane restarts; dataplane.enforcement says what holds then\n",
      cell(answer, "enforcement"));
  return kDone;
}

int print_reset(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("{} rule(s) hold again\n", cell(answer, "reset"));
  return kDone;
}

int print_latency(const Session& session, const Given&, const json& answer) {
  const json& enabled = member(answer, "enabled");
  const bool on = enabled.is_boolean() && enabled.get<bool>();
  session.out() << (on ? "packets are measured, until the dataplane restarts: weir_packet_latency_seconds\n"
                       : "packets are not measured any more\n");
  return kDone;
}

int print_report(const Session& session, const Given&, const json& answer) {
  constexpr std::array<const char*, 6> counts{
      "entries",    "every_protocol", "cleartext_http_only", "whole_host_when_encrypted",
      "not_at_all", "allow_rules"};
  TextTable table({{"LIST"},
                   {"ENTRIES", Align::right},
                   {"EVERY PROTOCOL", Align::right},
                   {"CLEARTEXT ONLY", Align::right},
                   {"HOST IF ENCRYPTED", Align::right},
                   {"NOT AT ALL", Align::right},
                   {"ALLOW", Align::right},
                   {"UNSEEN CONNECTIONS", Align::right}});
  const json& unseen = member(answer, "unseen_connections");
  std::array<std::int64_t, counts.size() + 1> totals{};
  const auto add_up = [&totals](std::size_t column, const json& value) {
    if (value.is_number_integer()) totals[column] += value.get<std::int64_t>();
  };
  const json& lists = member(answer, "lists");
  for (const json& list : lists) {
    const std::string name = cell(list, "name");
    std::vector<std::string> row{name};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      row.push_back(cell(list, counts[i]));
      add_up(i, member(list, counts[i]));
    }
    row.push_back(cell(unseen, name.c_str()));
    add_up(counts.size(), member(unseen, name.c_str()));
    table.add(std::move(row));
  }
  if (lists.size() > 1) {
    std::vector<std::string> row{"all"};
    for (const std::int64_t total : totals) row.push_back(std::to_string(total));
    if (!unseen.is_object()) row.back() = "-";
    table.add(std::move(row));
  }
  table.print(session.out());
  for (const json& list : lists) {
    const json& overridden = member(list, "overridden");
    if (overridden.is_number_integer() && overridden != 0) {
      session.out() << printable(fmt::format("list {}: allow rules take {} entries out of force",
                                             cell(list, "name"), overridden.dump()))
                    << '\n';
    }
  }
  if (!unseen.is_object()) session.out() << "unseen connections: the dataplane does not answer\n";
  return kDone;
}

int print_reconfigured(const Session& session, const Given&, const json& answer) {
  const json& needs_restart = member(answer, "needs_restart");
  const auto waits = [&needs_restart](const json& key) {
    return needs_restart.is_array() &&
           std::find(needs_restart.begin(), needs_restart.end(), key) != needs_restart.end();
  };
  std::size_t taken = 0;
  for (const json& key : member(answer, "changed")) {
    if (!key.is_string() || waits(key)) continue;
    session.out() << printable(key.get<std::string>()) << ": taken over\n";
    ++taken;
  }
  for (const json& key : needs_restart) {
    if (!key.is_string()) continue;
    const std::string text = key.get<std::string>();
    const bool dataplane = text.starts_with("dataplane.");
    session.out() << printable(text) << ": needs a restart of "
                  << (dataplane ? "weir-dataplane" : "weir-control") << '\n';
  }
  if (taken == 0) session.out() << "nothing to take over\n";
  session.out() << fmt::format("generation {} is current\n", cell(answer, "generation"));
  const json& dataplane = member(answer, "dataplane");
  if (const json& error = member(dataplane, "error"); error.is_object()) {
    session.out() << session.bad(printable("weir-dataplane stays as it was: " + cell(error, "message")))
                  << '\n';
    return kFailed;
  }
  if (member(dataplane, "page") == true) session.out() << "the block page was read again\n";
  return kDone;
}

int print_counters(const Session& session, const Given&, const json& answer) {
  TextTable table({{"COUNTER"}, {"LABELS"}, {"VALUE", Align::right}});
  for (const json& family : member(answer, "families")) {
    for (const json& sample : member(family, "samples")) {
      table.add({cell(family, "name"), labels_text(member(sample, "labels")), cell(sample, "value")});
    }
  }
  table.print(session.out());
  return kDone;
}

int print_audit(const Session& session, const Given&, const json& answer) {
  TextTable table({{"TIME"},
                   {"UID", Align::right},
                   {"METHOD"},
                   {"LIST"},
                   {"RULE", Align::right},
                   {"BEFORE", Align::right},
                   {"AFTER", Align::right},
                   {"OUTCOME"}});
  for (const json& record : member(answer, "records")) {
    table.add({cell(record, "time"), cell(record, "uid"), cell(record, "method"), cell(record, "list"),
               cell(record, "rule"), cell(record, "before"), cell(record, "after"), cell(record, "outcome")});
  }
  table.print(session.out());
  return kDone;
}

}  // namespace weir::ctl
