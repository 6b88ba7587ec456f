#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "control/ctl/audit.h"
#include "control/ctl/command.h"
#include "control/ctl/compile.h"
#include "control/ctl/live.h"
#include "control/ctl/numbers.h"
#include "control/ctl/printers.h"
#include "control/ctl/self_test.h"
#include "dataplane/base/ids.h"

namespace weir::ctl {
namespace {

using nlohmann::json;
using Request = base::Result<json>;

constexpr std::size_t kDefaultRules = 100;

constexpr std::array<Option, 1> kReloadOptions{{{"dry-run", "", "fetch and check, change nothing"}}};
constexpr std::array<Option, 1> kDiffOptions{{{"entries", "", "show what would come and go"}}};
constexpr std::array<Option, 5> kAddOptions{{
    {"list", "LIST", "the manual list, when there are several"},
    {"allow", "", "never block it, whatever the lists say"},
    {"comment", "TEXT", "why: a case number, a ticket"},
    {"expires", "WHEN", "30m, 12h, 7d, 2026-01-02 or 2026-01-02T03:04:05Z"},
    {"confirm", "", "block it although it covers a protected host"},
}};
constexpr std::array<Option, 1> kRemoveOptions{{{"list", "LIST", "only from this list"}}};
constexpr std::array<Option, 3> kRulesOptions{{
    {"entries", "", "show what the rules stand for (role update)"},
    {"limit", "N", "how many, up to 5000 (100)"},
    {"cursor", "CURSOR", "go on where an earlier answer ended"},
}};
constexpr std::array<Option, 4> kAuditOptions{{
    {"since", "SECONDS", "not before this Unix time"},
    {"limit", "N", "how many, up to 1000 (100)"},
    {"verify", "", "whether the log is whole: exit status 1, and the line, if it is not"},
    {"file", "FILE", "with --verify: this audit.jsonl and those rotated before it, without weir-control"},
}};

constexpr std::array<Option, 1> kEventsOptions{{{"count", "N", "end after so many"}}};
constexpr std::array<Option, 1> kTopOptions{
    {{"once", "", "one page; exit status 1 if the box does not do its job"}}};
constexpr std::array<Option, 6> kCompileOptions{{
    {"output", "SNAPSHOT", "the file to write, whole or not at all", 'o'},
    {"seed", "HEX", "32 digits, to be kept secret: same lists, same bytes, no date (random)"},
    {"generation", "N", "the snapshot's number (1)"},
    {"subdomains", "", "entries with a path hold for the hosts below theirs too"},
    {"www-equivalent", "", "www.X and X are one host"},
    {"on-tls", "pass|block-host", "what an entry with a path does to encrypted connections (pass)"},
}};

constexpr std::array<Option, 4> kSelfTestOptions{{
    {"certificate", "", "write the dated and signed report that hotlines ask for"},
    {"output", "FILE", "its name (weir-selftest-DATE.json)", 'o'},
    {"check-certificate", "FILE", "whether such a report is as it was signed, without weir-control"},
    {"key", "PEM", "with --check-certificate: the public key that must have signed it"},
}};

Request no_parameters(const Given&) { return json::object(); }

Request reload_request(const Given& given) {
  json params{{"dry_run", given.has("dry-run")}};
  if (!given.arguments.empty()) params["list"] = given.arguments[0];
  return params;
}

Request diff_request(const Given& given) {
  return json{{"list", given.arguments[0]}, {"entries", given.has("entries")}};
}

Request add_request(const Given& given) {
  json params{{"entry", given.arguments[0]}, {"action", given.has("allow") ? "allow" : "block"}};
  for (const char* option : {"list", "comment", "expires"}) {
    if (given.has(option)) params[option] = given.text(option);
  }
  if (given.has("confirm")) params["confirm"] = true;
  return params;
}

/// A number is a rule's id: a host cannot be one.
Request remove_request(const Given& given) {
  json params = json::object();
  if (const auto id = number(given.arguments[0])) {
    params["id"] = *id;
  } else {
    params["entry"] = given.arguments[0];
  }
  if (given.has("list")) params["list"] = given.text("list");
  return params;
}

Request rules_request(const Given& given) {
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

Request check_request(const Given& given) { return json{{"url", given.arguments[0]}}; }

Request rollback_request(const Given& given) {
  if (given.arguments.empty()) return json::object();
  const auto generation = number(given.arguments[0]);
  if (!generation) return not_a_number("GENERATION", given.arguments[0]);
  return json{{"generation", *generation}};
}

Request mode_request(const Given& given) { return json{{"mode", given.arguments[0]}}; }

Request reset_request(const Given& given) {
  if (given.arguments.empty()) return json::object();
  const auto rule = number(given.arguments[0]);
  if (!rule) return not_a_number("RULE", given.arguments[0]);
  return json{{"rule", *rule}};
}

Request latency_request(const Given& given) {
  const std::string& word = given.arguments[0];
  if (word != "on" && word != "off") {
    return base::Error{"usage", fmt::format("latency: on or off was expected, not '{}'", word)};
  }
  return json{{"enabled", word == "on"}};
}

bool asks_nobody(const Given&) { return true; }

constexpr std::array<Command, 21> kCommands{{
    {"status",
     "",
     0,
     0,
     {},
     "",
     "whether the box does its job; exit status 1 if not",
     &no_parameters,
     "status",
     &print_status},
    {"lists",
     "",
     0,
     0,
     {},
     "",
     "the lists: entries, age, what went wrong",
     &no_parameters,
     "lists",
     &print_lists},
    {"reload", "[LIST]", 0, 1, kReloadOptions, "lists", "fetch a feed, or all of them, now", &reload_request,
     "list.reload", &print_reload},
    {"diff", "LIST", 1, 1, kDiffOptions, "lists", "what a reload of a feed would change", &diff_request,
     "list.diff", &print_diff},
    {"add", "ENTRY", 1, 1, kAddOptions, "", "block a host or page, or allow it for good", &add_request,
     "rule.add", &print_added},
    {"remove", "ENTRY|ID", 1, 1, kRemoveOptions, "", "take back what was added", &remove_request,
     "rule.remove", &print_removed},
    {"rules", "[LIST]", 0, 1, kRulesOptions, "lists", "the rules by id; --entries shows what they stand for",
     &rules_request, "rule.list", &print_rules},
    {"check", "URL", 1, 1, {}, "", "what would become of a request", &check_request, "check", &print_check},
    {"snapshots",
     "",
     0,
     0,
     {},
     "",
     "the generations that can be brought back",
     &no_parameters,
     "snapshots",
     &print_snapshots},
    {"rollback",
     "[GENERATION]",
     0,
     1,
     {},
     "",
     "bring back an earlier generation (the last one that differs)",
     &rollback_request,
     "rollback",
     &print_rollback},
    {"mode",
     "enforce|monitor|bypass",
     1,
     1,
     {},
     "enforce monitor bypass",
     "what to do about listed requests, until the dataplane restarts",
     &mode_request,
     "enforcement",
     &print_mode},
    {"reset",
     "[RULE]",
     0,
     1,
     {},
     "",
     "put a rule that matched too often, or all of them, back into force",
     &reset_request,
     "breaker.reset",
     &print_reset},
    {"latency",
     "on|off",
     1,
     1,
     {},
     "on off",
     "measure how long packets take, until the dataplane restarts",
     &latency_request,
     "latency",
     &print_latency},
    {"report",
     "",
     0,
     0,
     {},
     "",
     "how many entries hold on which protocols",
     &no_parameters,
     "report.enforceability",
     &print_report},
    {"counters", "", 0, 0, {}, "", "what the dataplane counted", &no_parameters, "counters", &print_counters},
    {"audit", "", 0, 0, kAuditOptions, "", "who changed what", nullptr, "", nullptr, &run_audit,
     &audits_offline},
    {"reconfigure",
     "",
     0,
     0,
     {},
     "",
     "read the configuration file again, without a restart",
     &no_parameters,
     "config.reload",
     &print_reconfigured},
    {"events", "", 0, 0, kEventsOptions, "", "blocked requests as they happen", nullptr, "", nullptr,
     &run_events},
    {"top", "", 0, 0, kTopOptions, "", "packets, requests and blocks a second, drawn anew each second",
     nullptr, "", nullptr, &run_top},
    {"selftest", "", 0, 0, kSelfTestOptions, "", "prove that every worker blocks; exit status 1 if not",
     nullptr, "", nullptr, &run_self_test, &self_test_is_offline},
    {"compile", "LIST...", 1, base::kMaxLists, kCompileOptions, "files",
     "plain lists (FILE or NAME=FILE) into a snapshot, without weir-control", nullptr, "", nullptr,
     &compile_lists, &asks_nobody},
}};

std::string option_text(const Option& option) {
  const std::string name = option.letter == 0 ? fmt::format("--{}", option.name)
                                              : fmt::format("-{}, --{}", option.letter, option.name);
  return option.value.empty() ? name : fmt::format("{} {}", name, option.value);
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [name](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

std::string command_help() {
  std::string help = "Commands:\n";
  for (const Command& command : kCommands) {
    help += fmt::format("  {:<30} {}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
    for (const Option& option : command.options)
      help += fmt::format("    {:<28} {}\n", option_text(option), option.help);
  }
  help += fmt::format("  {:<30} {}\n", "completion bash",
                      "a script for the shell: source <(weirctl completion bash)");
  return help;
}

}  // namespace weir::ctl
