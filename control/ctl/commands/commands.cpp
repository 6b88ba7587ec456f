// The commands of weirctl.

#include <algorithm>
#include <array>

#include "control/ctl/command.h"
#include "control/ctl/commands/audit.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/commands/compile.h"
#include "control/ctl/commands/live.h"
#include "control/ctl/commands/self_test.h"
#include "dataplane/base/ids.h"

namespace weir::ctl {
namespace {

constexpr std::array<Command, 22> kCommands{{
    {.name = "status",
     .help = "is the box doing its job? exit status 1 if not",
     .details = "The first line answers the question. Below it: everything that is wrong and what to do, the "
                "dataplane, every list, every port.",
     .example = "weirctl status || page-the-engineer",
     .action = RemoteCall{.method = "status", .request = no_parameters, .print = print_status}},
    {.name = "top",
     .options = {{.name = "once", .help = "print one page; exit status as for status"}},
     .help = "packets, requests and blocks per second, live",
     .details = "Refreshes every second until you press Ctrl-C. With --json, prints one object per line.",
     .example = "weirctl --json top --once",
     .action = LocalRun{.run = run_top, .needs_socket = always}},
    {.name = "events",
     .options = {{.name = "count", .value = "N", .help = "stop after N events"}},
     .help = "blocked requests as they happen",
     .details =
         "Prints time, protocol, list and rule of each blocked request, and nothing about the subscriber. "
         "With --json, prints one object per line.",
     .example = "weirctl events --count 10",
     .action = LocalRun{.run = run_events, .needs_socket = always}},
    {.name = "check",
     .arguments = "URL",
     .fewest = 1,
     .most = 1,
     .help = "the verdict on a request for URL, and the reason",
     .details =
         "Prints the rule and list that decide, the form of the URL that is compared, and the verdict on "
         "each protocol. If no rule matches, says which rules come closest. Sends no packet.",
     .example = "weirctl check http://shop.example/private/page.html",
     .action = RemoteCall{.method = "check", .request = check_request, .print = print_check}},
    {.name = "lists",
     .help = "every list: entries, age, last error",
     .details = "Also prints the first refused lines of each feed as FILE:LINE: reason.",
     .example = "weirctl lists",
     .action = RemoteCall{.method = "lists", .request = no_parameters, .print = print_lists}},
    {.name = "reload",
     .arguments = "[LIST]",
     .most = 1,
     .options = {{.name = "dry-run", .help = "fetch and check, but change nothing"}},
     .completion = Completion::list_names,
     .help = "fetch a feed, or all of them, now",
     .details =
         "All or nothing: if one feed fails, none is loaded. To read the configuration file again, use "
         "reconfigure.",
     .example = "weirctl reload hotline",
     .action = RemoteCall{.method = "list.reload", .request = reload_request, .print = print_reload}},
    {.name = "diff",
     .arguments = "LIST",
     .fewest = 1,
     .most = 1,
     .options = {{.name = "entries", .help = "also print the added and removed entries"}},
     .completion = Completion::list_names,
     .help = "what a reload of the feed would change",
     .details = "Fetches the feed and compares it with the active list. Exit status 1 if the feed would be "
                "refused, for example by its guards.",
     .example = "weirctl diff hotline --entries",
     .action = RemoteCall{.method = "list.diff", .request = diff_request, .print = print_diff}},
    {.name = "rules",
     .arguments = "[LIST]",
     .most = 1,
     .options = {{.name = "entries", .help = "also print the entries (role update)"},
                 {.name = "limit", .value = "N", .help = "at most N rules, up to 5000 (default 100)"},
                 {.name = "cursor", .value = "CURSOR", .help = "continue where the previous page ended"}},
     .completion = Completion::list_names,
     .help = "the rules of one list, or of all, by id",
     .details = "Prints ids and kinds. Entries are printed only on request, because a list may be secret.",
     .example = "weirctl rules local --entries",
     .action = RemoteCall{.method = "rule.list", .request = rules_request, .print = print_rules}},
    {.name = "add",
     .arguments = "ENTRY",
     .fewest = 1,
     .most = 1,
     .options = {{.name = "list", .value = "LIST", .help = "the manual list to use, if there are several"},
                 {.name = "allow", .help = "never block it, whatever the lists say"},
                 {.name = "comment", .value = "TEXT", .help = "the reason, such as a case number"},
                 {.name = "expires", .value = "WHEN", .help = "30m, 12h, 7d, or a date like 2026-01-02"},
                 {.name = "confirm", .help = "block it even if it covers a protected host"}},
     .help = "block a host or page, or allow it with --allow",
     .details =
         "Adds ENTRY to a manual list. ENTRY is a host (with its subdomains), *.HOST (only subdomains), or "
         "HOST/PATH. The rule is active when the command returns. WHEN may also be a UTC time like "
         "2026-01-02T03:04:05Z.",
     .example = "weirctl add shop.example/private/page.html --comment \"case 17\" --expires 30d",
     .action = RemoteCall{.method = "rule.add", .request = add_request, .print = print_added}},
    {.name = "remove",
     .arguments = "ENTRY|ID",
     .fewest = 1,
     .most = 1,
     .options = {{.name = "list", .value = "LIST", .help = "only from this list"}},
     .help = "remove an entry from the manual lists",
     .details = "A number is the id of a rule; `weirctl rules` prints the ids.",
     .example = "weirctl remove shop.example/private/page.html",
     .action = RemoteCall{.method = "rule.remove", .request = remove_request, .print = print_removed}},
    {.name = "snapshots",
     .help = "the generations that you can roll back to",
     .details = "control.keep_generations says how many are kept.",
     .example = "weirctl snapshots",
     .action = RemoteCall{.method = "snapshots", .request = no_parameters, .print = print_snapshots}},
    {.name = "rollback",
     .arguments = "[GENERATION]",
     .most = 1,
     .help = "return to the lists of an earlier generation",
     .details = "Builds a new generation with the lists of an earlier one; by default, of the last one with "
                "different lists. A feed stays rolled back until its source changes or you reload it.",
     .example = "weirctl rollback 41",
     .action = RemoteCall{.method = "rollback", .request = rollback_request, .print = print_rollback}},
    {.name = "enforcement",
     .alias = "mode",
     .arguments = "MODE",
     .fewest = 1,
     .most = 1,
     .completion = Completion::words,
     .words = "enforce monitor bypass",
     .help = "enforce, monitor or bypass, until a restart",
     .details =
         "enforce blocks listed requests. monitor counts them and lets them pass. bypass forwards every "
         "packet uninspected. When the dataplane restarts, dataplane.enforcement applies again.",
     .example = "weirctl enforcement bypass",
     .action =
         RemoteCall{.method = "enforcement", .request = enforcement_request, .print = print_enforcement}},
    {.name = "reset",
     .old_name = "unsuspend",
     .arguments = "[RULE]",
     .most = 1,
     .help = "put one tripped rule, or all, back into force",
     .details =
         "The breaker trips a rule that matches far too often, and then what it names passes. First find "
         "out why: `weirctl status` names the tripped rules.",
     .example = "weirctl reset 1234",
     .action = RemoteCall{.method = "breaker.reset", .request = reset_request, .print = print_reset}},
    {.name = "selftest",
     .options = {{.name = "certificate", .help = "write a dated, signed report on the test"},
                 {.name = "output",
                  .value = "FILE",
                  .help = "the report's file (weir-selftest-DATE.json)",
                  .letter = 'o'},
                 {.name = "check-certificate",
                  .value = "FILE",
                  .help = "verify such a report, without weir-control"},
                 {.name = "key", .value = "PEM", .help = "the public key to verify the signature with"}},
     .help = "does every worker block? exit status 1 if not",
     .details =
         "Every worker decides two made-up requests per protocol: one that every snapshot lists and one "
         "that no list should name. With --certificate, writes a signed report for an authority; "
         "--check-certificate and --key verify it on any machine.",
     .example = "weirctl selftest --certificate -o report.json",
     .action = LocalRun{.run = run_self_test, .needs_socket = self_test_needs_socket}},
    {.name = "report",
     .help = "how many entries take effect on each protocol",
     .details =
         "EVERYWHERE: whole hosts, blocked on every protocol. HTTP ONLY: pages, which encryption hides. "
         "HOST ON TLS: pages whose whole host is blocked when encrypted (on_tls: block-host). NOT AT ALL: "
         "refused lines, and entries that an allow rule overrides. UNSEEN: encrypted connections to hosts "
         "of which only pages are listed.",
     .example = "weirctl report",
     .action =
         RemoteCall{.method = "report.enforceability", .request = no_parameters, .print = print_report}},
    {.name = "counters",
     .help = "the dataplane's counters",
     .details = "The same counters as in the metrics.",
     .example = "weirctl --json counters",
     .action = RemoteCall{.method = "counters", .request = no_parameters, .print = print_counters}},
    {.name = "latency",
     .arguments = "on|off",
     .fewest = 1,
     .most = 1,
     .completion = Completion::words,
     .words = "on off",
     .help = "measure how long packets take, until a restart",
     .details = "The result is a histogram in the metrics. The measurement costs a little throughput.",
     .example = "weirctl latency on",
     .action = RemoteCall{.method = "latency", .request = latency_request, .print = print_latency}},
    {.name = "audit",
     .options = {{.name = "since", .value = "SECONDS", .help = "only records since this Unix time"},
                 {.name = "limit", .value = "N", .help = "at most N records, up to 1000 (default 100)"},
                 {.name = "verify", .help = "check the log; exit status 1 if it is broken"},
                 {.name = "file", .value = "FILE", .help = "with --verify: this file, without weir-control"}},
     .help = "who changed what, and when",
     .details =
         "Prints the newest records. Each record holds a digest of the one before it; --verify checks this "
         "chain. With --file, it reads audit.jsonl and the rotated files next to it, on any machine.",
     .example = "weirctl audit --verify --file /var/lib/weir/audit.jsonl",
     .action = LocalRun{.run = run_audit, .needs_socket = audit_needs_socket}},
    {.name = "reconfigure",
     .help = "read the configuration again, in both daemons",
     .details =
         "Prints which settings changed and which need a restart. A file with a mistake changes nothing. To "
         "fetch lists, use reload.",
     .example = "weir-control --check-config && weirctl reconfigure",
     .action = RemoteCall{.method = "reconfigure", .request = no_parameters, .print = print_reconfigured}},
    {.name = "compile",
     .arguments = "LIST...",
     .fewest = 1,
     .most = base::kMaxLists,
     .options =
         {{.name = "output", .value = "SNAPSHOT", .help = "the file to write (required)", .letter = 'o'},
          {.name = "seed", .value = "HEX", .help = "32 hex digits; makes the output reproducible"},
          {.name = "generation", .value = "N", .help = "the snapshot's generation (default 1)"},
          {.name = "subdomains", .help = "page entries also match on subdomains"},
          {.name = "www-equivalent", .help = "www.HOST and HOST are the same host"},
          {.name = "on-tls",
           .value = "pass|block-host",
           .help = "entries with a path when encrypted (pass)"}},
     .completion = Completion::files,
     .help = "compile plain lists into a snapshot, offline",
     .details =
         "Each LIST is FILE or NAME=FILE; earlier lists take precedence. Refused lines are reported as "
         "FILE:LINE: reason, and the rest is compiled. With --seed the file is reproducible and has no "
         "date; keep the seed secret.",
     .example = "weirctl compile hotline.txt local=extra.txt -o lists.snapshot",
     .action = LocalRun{.run = compile_lists, .needs_socket = never}},
    {.name = "completion",
     .arguments = "bash",
     .fewest = 1,
     .most = 1,
     .completion = Completion::words,
     .words = "bash",
     .help = "print a completion script for bash",
     .details = "bash is the only shell that is supported. The packages install the script.",
     .example = "source <(weirctl completion bash)",
     .action = LocalRun{.run = print_completion, .needs_socket = never}},
}};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [name](const Command& command) {
    return !name.empty() && (command.name == name || command.alias == name || command.old_name == name);
  });
  return found == kCommands.end() ? nullptr : &*found;
}

bool Command::needs_socket(const Given& given) const {
  const auto* run = std::get_if<LocalRun>(&action);
  return run == nullptr || run->needs_socket(given);
}

}  // namespace weir::ctl
