#pragma once

#include <nlohmann/json.hpp>

#include "control/ctl/command.h"

/// The commands that are one call each (RemoteCall), by topic. A request function makes the parameters of the
/// call. A print function prints the answer for people and returns the exit status; what the answer does not
/// have prints as `-`.
namespace weir::ctl {

base::Result<nlohmann::json> no_parameters(const Given& given);

// status_and_reports.cpp
int print_status(const Session& session, const Given& given, const nlohmann::json& answer);
int print_report(const Session& session, const Given& given, const nlohmann::json& answer);
int print_counters(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> latency_request(const Given& given);
int print_latency(const Session& session, const Given& given, const nlohmann::json& answer);

// lists.cpp
int print_lists(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> reload_request(const Given& given);
int print_reload(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> diff_request(const Given& given);
int print_diff(const Session& session, const Given& given, const nlohmann::json& answer);
/// A table of lists, as in the answers to `status` and `lists`.
void print_list_table(const Session& session, const nlohmann::json& lists);

// rules.cpp
base::Result<nlohmann::json> add_request(const Given& given);
int print_added(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> remove_request(const Given& given);
int print_removed(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> rules_request(const Given& given);
int print_rules(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> check_request(const Given& given);
int print_check(const Session& session, const Given& given, const nlohmann::json& answer);

// generations_and_enforcement.cpp
int print_snapshots(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> rollback_request(const Given& given);
int print_rollback(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> enforcement_request(const Given& given);
int print_enforcement(const Session& session, const Given& given, const nlohmann::json& answer);
base::Result<nlohmann::json> reset_request(const Given& given);
int print_reset(const Session& session, const Given& given, const nlohmann::json& answer);

// configuration.cpp
int print_reconfigured(const Session& session, const Given& given, const nlohmann::json& answer);

/// For LocalRun::needs_socket.
inline bool always(const Given&) { return true; }
inline bool never(const Given&) { return false; }
/// `weirctl completion bash`.
int print_completion(const Session& session, const Given& given, std::ostream& errors);

}  // namespace weir::ctl
