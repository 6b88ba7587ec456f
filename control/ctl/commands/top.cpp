#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/live.h"
#include "control/ctl/text_table.h"
#include "dataplane/counters/counters.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kInterval{1};
constexpr const char* kClear = "\x1b[H\x1b[2J";

std::string text_or_empty(const json& object, const char* key) { return text_at(object, key).value_or(""); }

/// The sum of a key over the ports.
double ports_sum(const json& sample, const char* key) {
  double sum = 0;
  for (const json& port : member(member(member(member(sample, "status"), "dataplane"), "status"), "ports")) {
    sum += number_at(port, key);
  }
  return sum;
}

/// The samples of a counter, summed by one of its labels.
std::map<std::string, double> by_label(const json& sample, base::Counter counter, const char* label) {
  const std::string_view family = base::kCounters[base::index_of(counter)].name;
  std::map<std::string, double> sums;
  for (const json& each : member(member(sample, "counters"), "families")) {
    if (text_at(each, "name") != family) continue;
    for (const json& one : member(each, "samples"))
      sums[text_or_empty(member(one, "labels"), label)] += number_at(one, "value");
  }
  return sums;
}

/// A counter that went back was reset: what it shows has come since.
double rate(double before, double after, double seconds) {
  const double grown = after < before ? after : after - before;
  return seconds > 0 ? grown / seconds : 0.0;
}

json rates(const json& before, const json& after, base::Counter counter, const char* label, double seconds) {
  auto old = by_label(before, counter, label);
  json result = json::object();
  for (const auto& [name, value] : by_label(after, counter, label))
    result[name] = rate(old[name], value, seconds);
  return result;
}

json list_ages(const json& status) {
  const auto now = static_cast<double>(std::time(nullptr));
  json lists = json::array();
  for (const json& list : member(status, "lists")) {
    const double success = number_at(list, "last_success");
    lists.push_back({{"name", text_or_empty(list, "name")},
                     {"entries", number_at(list, "entries")},
                     {"age_seconds", success > 0 ? json(std::max(0.0, now - success)) : json(nullptr)}});
  }
  return lists;
}

base::Result<json> take_sample(const Session& session) {
  auto status = session.call("status", json::object());
  if (!status) return status.error();
  // Without a dataplane there are no counters, and `status` says so.
  const auto counters = session.call("counters", json::object());
  return json{{"status", std::move(status).value()},
              {"counters", counters ? counters.value() : json(nullptr)}};
}

std::string count_text(double value) { return fmt::format("{:.0f}", value); }

/// In the largest unit that gives at least 2.
std::string age_text(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  constexpr std::array<Unit, 3> units{{{86400, "d"}, {3600, "h"}, {60, "min"}}};
  for (const Unit& unit : units) {
    if (seconds >= 2 * unit.seconds)
      return fmt::format("{:.0f} {}", std::floor(seconds / unit.seconds), unit.name);
  }
  return fmt::format("{:.0f} s", seconds);
}

void print_rates(std::ostream& out, const char* title, const json& values) {
  TextTable table({TextTable::left(title), TextTable::right("PER SECOND")});
  for (const auto& [name, value] : values.items()) table.add({name, count_text(value.get<double>())});
  table.print(out);
}

}  // namespace

json top_figures(const json& before, const json& after, double seconds) {
  const json& status = member(after, "status");
  const json& problems = member(status, "problems");
  const auto port_rate = [&](const char* key) {
    return rate(ports_sum(before, key), ports_sum(after, key), seconds);
  };
  json workers = json::array();
  for (const json& worker : member(member(member(status, "dataplane"), "status"), "workers")) {
    workers.push_back(
        {{"lcore", number_at(worker, "lcore")}, {"busy_ratio", number_at(worker, "busy_ratio")}});
  }
  const bool has_problem = problems.is_array() && !problems.empty();
  return {{"seconds", seconds},
          {"healthy", member(status, "healthy") == true},
          {"problem", has_problem ? json(text_or_empty(problems[0], "message")) : json(nullptr)},
          {"enforcement", member(status, "enforcement")},
          {"generation", member(status, "generation")},
          {"packets_per_second", port_rate("received_packets")},
          {"bytes_per_second", port_rate("received_bytes")},
          {"missed_per_second", port_rate("missed_packets")},
          {"requests_per_second", rates(before, after, base::Counter::requests, "protocol", seconds)},
          {"blocked_per_second", rates(before, after, base::Counter::blocked, "list", seconds)},
          {"workers", std::move(workers)},
          {"lists", list_ages(status)}};
}

std::string top_page(const Session& session, const json& figures) {
  std::ostringstream out;
  if (member(figures, "healthy") == true) {
    out << session.good("Weir is doing its job");
  } else {
    out << session.bad("Weir is NOT doing its job") << ": " << printable(text_or_empty(figures, "problem"));
  }
  out << fmt::format("\nenforcement {}, generation {}\n", printable(cell(figures, "enforcement")),
                     count_text(number_at(figures, "generation")));
  constexpr double megabit = 1e6 / 8;
  out << fmt::format(
      "{} packets/s, {:.1f} Mbit/s, {} missed/s\n\n", count_text(number_at(figures, "packets_per_second")),
      number_at(figures, "bytes_per_second") / megabit, count_text(number_at(figures, "missed_per_second")));
  print_rates(out, "REQUESTS", member(figures, "requests_per_second"));
  out << '\n';
  print_rates(out, "BLOCKED BY", member(figures, "blocked_per_second"));
  out << '\n';
  TextTable workers({TextTable::right("LCORE"), TextTable::right("BUSY")});
  for (const json& worker : member(figures, "workers")) {
    workers.add({count_text(number_at(worker, "lcore")),
                 fmt::format("{:.0f} %", 100 * number_at(worker, "busy_ratio"))});
  }
  workers.print(out);
  out << '\n';
  TextTable lists({TextTable::left("LIST"), TextTable::right("ENTRIES"), TextTable::right("AGE")});
  for (const json& list : member(figures, "lists")) {
    const bool known = member(list, "age_seconds").is_number();
    lists.add({text_or_empty(list, "name"), count_text(number_at(list, "entries")),
               known ? age_text(number_at(list, "age_seconds")) : "-"});
  }
  lists.print(out);
  return out.str();
}

int run_top(const Session& session, const Given& given, std::ostream& errors) {
  const bool once = given.has("once");
  const bool clears = !once && !session.json() && ::isatty(STDOUT_FILENO) != 0;
  auto before = take_sample(session);
  if (!before) return report_error(session, before.error(), errors);
  auto then = std::chrono::steady_clock::now();
  while (true) {
    std::this_thread::sleep_for(kInterval);
    auto after = take_sample(session);
    if (!after) return report_error(session, after.error(), errors);
    const auto now = std::chrono::steady_clock::now();
    const json figures =
        top_figures(before.value(), after.value(), std::chrono::duration<double>(now - then).count());
    if (session.json()) {
      session.out() << figures.dump() << std::endl;
    } else {
      session.out() << (clears ? kClear : "") << top_page(session, figures) << std::flush;
    }
    if (once) return member(figures, "healthy") == true ? kDone : kFailed;
    if (!session.out().good()) return kFailed;  // nobody reads
    before = std::move(after);
    then = now;
  }
}

}  // namespace weir::ctl
