#include <array>

#include "config/choices.h"
#include "config/schema.h"
#include "config/text_checks.h"

namespace weir::config {
namespace {

const std::array kControlRows = std::to_array<Row<Settings>>({
    {"control.socket",
     [](Settings& s) -> Field { return &s.control.socket; },
     {.help = "Unix socket of the control daemon, for `weirctl`.",
      .check = check_socket_path,
      .pattern = kPathPattern}},
    {"control.roles.read",
     [](Settings& s) -> Field { return &s.control.roles.read; },
     {.help = "Unix users and groups with read access. root has every role.",
      .check = check_plain_word,
      .pattern = kWordPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"control.roles.update",
     [](Settings& s) -> Field { return &s.control.roles.update; },
     {.help = "Unix users and groups that may also change and reload lists.",
      .check = check_plain_word,
      .pattern = kWordPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"control.roles.admin",
     [](Settings& s) -> Field { return &s.control.roles.admin; },
     {.help = "Unix users and groups that may also roll back, reconfigure and change the enforcement.",
      .check = check_plain_word,
      .pattern = kWordPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"control.metrics.listen",
     [](Settings& s) -> Field { return &s.control.metrics_listen; },
     {.help = "Address and port of the Prometheus exporter. `\"\"`: no exporter.",
      .check = check_listen_address,
      .pattern = kListenPattern}},
    {"control.state_dir",
     [](Settings& s) -> Field { return &s.control.state_dir; },
     {.help = "Directory for the state of the control daemon: rules and audit log.",
      .check = check_directory,
      .pattern = kPathPattern}},
    {"control.keep_generations",
     [](Settings& s) -> Field { return &s.control.keep_generations; },
     {.help = "Number of snapshots kept for a rollback.",
      .unit = "snapshots",
      .min = 1,
      .max = 1000,
      .change_needs = ChangeNeeds::reconfigure}},
    {"control.audit.file_bytes",
     [](Settings& s) -> Field { return &s.control.audit.file_bytes; },
     {.help = "Size at which the audit log starts a new file.",
      .unit = "bytes",
      .min = 65536,
      .max = 1073741824}},
    {"control.audit.files",
     [](Settings& s) -> Field { return &s.control.audit.files; },
     {.help = "Number of audit log files kept, including the current one. Older ones are removed.",
      .unit = "files",
      .min = 2,
      .max = 100000}},
    {"control.entries.at_rest",
     [](Settings& s) -> Field { return choice<kAtRest>(s.control.entries.at_rest); },
     {.help = "How the entries of the lists are stored in the state directory."}},
    {"control.entries.key_file",
     [](Settings& s) -> Field { return &s.control.entries.key_file; },
     {.help = "File with the key, 64 hexadecimal digits, readable only by its owner. None: `entries.key` in "
              "`state_dir`. The systemd credential `weir-entries-key` takes precedence.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern}},
    {"control.entries.make_key",
     [](Settings& s) -> Field { return &s.control.entries.make_key; },
     {.help = "Create the key file at the first start. No key is created while lists exist that another key "
              "encrypted."}},
    {"control.lock_memory",
     [](Settings& s) -> Field { return &s.control.lock_memory; },
     {.help = "Keep the control daemon's memory, which holds the entries, from being swapped out, if the "
              "limit on locked memory can be raised."}},
    {"control.selftest.enabled",
     [](Settings& s) -> Field { return &s.control.selftest.enabled; },
     {.help = "Prove periodically, and after every change, that each worker blocks a listed host and passes "
              "an unlisted one, over HTTP, TLS and QUIC."}},
    {"control.selftest.interval",
     [](Settings& s) -> Field { return &s.control.selftest.interval; },
     {.help = "Time between two self-tests.", .min = 10, .max = kDay}},
    {"control.selftest.listed",
     [](Settings& s) -> Field { return &s.control.selftest.listed; },
     {.help = "The canary: a host that every snapshot blocks, so that the test can request it. If you choose "
              "a name of your own that leads to a harmless page, a browser can test it as well.",
      .check = check_host,
      .pattern = kHostPattern}},
    {"control.selftest.unlisted",
     [](Settings& s) -> Field { return &s.control.selftest.unlisted; },
     {.help = "A host that is on no list and must pass.", .check = check_host, .pattern = kHostPattern}},
});

}  // namespace

std::span<const Row<Settings>> control_rows() { return kControlRows; }

}  // namespace weir::config
