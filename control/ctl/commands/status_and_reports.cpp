#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/text_table.h"
#include "dataplane/base/enforcement.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

void print_health(const Session& session, const json& answer) {
  const json& problems = member(answer, "problems");
  const std::size_t count = problems.is_array() ? problems.size() : 0;
  if (is_true(answer, "healthy")) {
    const bool monitoring = text_at(answer, "enforcement") == base::to_string(base::Enforcement::monitor);
    session.out() << session.good(monitoring ? "Weir is monitoring" : "Weir is enforcing")
                  << fmt::format(": generation {} is active\n", cell(answer, "generation"));
  } else {
    const std::string first = count == 0 ? "unknown" : cell(problems[0], "message");
    session.out() << session.bad("Weir is NOT doing its job") << ": " << printable(first) << '\n';
  }
  for (std::size_t i = 1; i < count; ++i) {
    session.out() << "problem: " << printable(cell(problems[i], "message")) << '\n';
  }
  for (const json& warning : member(answer, "warnings")) {
    session.out() << "warning: " << printable(cell(warning, "message")) << '\n';
  }
}

void print_ports(const Session& session, const json& ports) {
  if (!ports.is_array() || ports.empty()) return;
  TextTable table({TextTable::left("PORT"), TextTable::left("ROLE"), TextTable::left("LINK"),
                   TextTable::right("RECEIVED"), TextTable::right("SENT"), TextTable::right("MISSED")});
  for (const json& port : ports) {
    table.add({cell(port, "name"), cell(port, "role"), is_true(port, "link_up") ? "up" : "down",
               cell(port, "received_packets"), cell(port, "transmitted_packets"),
               cell(port, "missed_packets")});
  }
  session.out() << '\n';
  table.print(session.out());
}

/// `protocol=http,verdict=block`
std::string labels_text(const json& labels) {
  std::string text;
  if (!labels.is_object()) return text;
  for (const auto& [key, value] : labels.items()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

/// A column of `weirctl report`.
struct ReportColumn {
  const char* title;
  const char* key;
};
constexpr std::array<ReportColumn, 6> kReportColumns{{
    {.title = "ENTRIES", .key = "entries"},
    {.title = "EVERYWHERE", .key = "every_protocol"},
    {.title = "HTTP ONLY", .key = "cleartext_http_only"},
    {.title = "HOST ON TLS", .key = "whole_host_when_encrypted"},
    {.title = "NOT AT ALL", .key = "not_at_all"},
    {.title = "ALLOW", .key = "allow_rules"},
}};

}  // namespace

base::Result<json> no_parameters(const Given&) { return json::object(); }

int print_completion(const Session& session, const Given& given, std::ostream& errors) {
  if (given.arguments[0] != "bash") {
    return report_error(session, {"usage", "completion: the only supported shell is bash"}, errors);
  }
  session.out() << bash_completion();
  return kDone;
}

int print_status(const Session& session, const Given&, const json& answer) {
  print_health(session, answer);
  const json& dataplane = member(answer, "dataplane");
  const json& details = member(dataplane, "status");
  session.out() << fmt::format("\ndataplane   {}, enforcement {}, generation {} active since {}\n",
                               is_true(dataplane, "up") ? "up" : "down", cell(answer, "enforcement"),
                               cell(dataplane, "generation"),
                               time_cell(member(details, "snapshot"), "activated_unix_seconds"));
  session.out() << fmt::format("control     version {}, generation {} built {}\n\n", cell(answer, "version"),
                               cell(answer, "generation"), time_cell(answer, "created"));
  print_list_table(session, member(answer, "lists"));
  print_ports(session, member(details, "ports"));
  return is_true(answer, "healthy") ? kDone : kFailed;
}

int print_report(const Session& session, const Given&, const json& answer) {
  std::vector<TextTable::Column> columns{TextTable::left("LIST")};
  for (const ReportColumn& column : kReportColumns) columns.push_back(TextTable::right(column.title));
  columns.push_back(TextTable::right("UNSEEN"));
  TextTable table(std::move(columns));
  const json& unseen = member(answer, "unseen_connections");
  std::array<std::int64_t, kReportColumns.size() + 1> totals{};
  const auto add_up = [&totals](std::size_t column, const json& value) {
    if (value.is_number_integer()) totals[column] += value.get<std::int64_t>();
  };
  const json& lists = member(answer, "lists");
  for (const json& list : lists) {
    const std::string name = cell(list, "name");
    std::vector<std::string> row{name};
    for (std::size_t i = 0; i < kReportColumns.size(); ++i) {
      row.push_back(cell(list, kReportColumns[i].key));
      add_up(i, member(list, kReportColumns[i].key));
    }
    row.push_back(cell(unseen, name));
    add_up(kReportColumns.size(), member(unseen, name));
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
      session.out() << printable(fmt::format("list {}: allow rules override {} entries", cell(list, "name"),
                                             overridden.dump()))
                    << '\n';
    }
  }
  if (!unseen.is_object()) session.out() << "UNSEEN is not known: the dataplane does not answer\n";
  return kDone;
}

int print_counters(const Session& session, const Given&, const json& answer) {
  TextTable table({TextTable::left("COUNTER"), TextTable::left("LABELS"), TextTable::right("VALUE")});
  for (const json& family : member(answer, "families")) {
    for (const json& sample : member(family, "samples")) {
      table.add({cell(family, "name"), labels_text(member(sample, "labels")), cell(sample, "value")});
    }
  }
  table.print(session.out());
  return kDone;
}

base::Result<json> latency_request(const Given& given) {
  const std::string& word = given.arguments[0];
  if (word != "on" && word != "off") {
    return base::Error{"usage", fmt::format("latency: expected on or off, not '{}'", word)};
  }
  return json{{"enabled", word == "on"}};
}

int print_latency(const Session& session, const Given&, const json& answer) {
  session.out() << (is_true(answer, "enabled")
                        ? "the latency of packets is measured until the dataplane restarts; see the metrics\n"
                        : "the latency of packets is no longer measured\n");
  return kDone;
}

}  // namespace weir::ctl
