#pragma once

#include <nlohmann/json.hpp>

#include "control/ctl/command.h"

namespace weir::ctl {

/// Each prints the answer of its command for people and gives the exit status. Answers come from the daemon;
/// what it left out prints as `-`.
int print_status(const Session& session, const Given& given, const nlohmann::json& answer);
int print_lists(const Session& session, const Given& given, const nlohmann::json& answer);
int print_reload(const Session& session, const Given& given, const nlohmann::json& answer);
int print_diff(const Session& session, const Given& given, const nlohmann::json& answer);
int print_added(const Session& session, const Given& given, const nlohmann::json& answer);
int print_removed(const Session& session, const Given& given, const nlohmann::json& answer);
int print_rules(const Session& session, const Given& given, const nlohmann::json& answer);
int print_check(const Session& session, const Given& given, const nlohmann::json& answer);
int print_snapshots(const Session& session, const Given& given, const nlohmann::json& answer);
int print_rollback(const Session& session, const Given& given, const nlohmann::json& answer);
int print_mode(const Session& session, const Given& given, const nlohmann::json& answer);
int print_reset(const Session& session, const Given& given, const nlohmann::json& answer);
int print_latency(const Session& session, const Given& given, const nlohmann::json& answer);
int print_report(const Session& session, const Given& given, const nlohmann::json& answer);
int print_reconfigured(const Session& session, const Given& given, const nlohmann::json& answer);
int print_counters(const Session& session, const Given& given, const nlohmann::json& answer);
int print_audit(const Session& session, const Given& given, const nlohmann::json& answer);

}  // namespace weir::ctl
