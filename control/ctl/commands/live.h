#pragma once

#include <ostream>
#include <string>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl events`: prints blocked requests until interrupted, or until --count of them.
int run_events(const Session& session, const Given& given, std::ostream& errors);
/// `weirctl top`: redraws a page every second. With --once, prints one page. With --json, one object per
/// line.
int run_top(const Session& session, const Given& given, std::ostream& errors);

/// The rates between two samples of `status` and `counters` that are `seconds` apart:
///
///     {"seconds", "healthy", "problem", "enforcement", "generation", "packets_per_second",
///     "bytes_per_second",
///      "missed_per_second", "requests_per_second": {PROTOCOL: N}, "blocked_per_second": {LIST: N},
///      "workers": [{"lcore", "busy_ratio"}], "lists": [{"name", "entries", "age_seconds"}]}
nlohmann::json top_figures(const nlohmann::json& before, const nlohmann::json& after, double seconds);
/// The page for a terminal.
std::string top_page(const Session& session, const nlohmann::json& figures);

}  // namespace weir::ctl
