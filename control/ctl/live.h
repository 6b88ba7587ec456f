#pragma once

#include <ostream>
#include <string>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl events`: follows blocked requests until interrupted, or for --count of them.
int run_events(const Session& session, const Given& given, std::ostream& errors);
/// `weirctl top`: a page that is drawn anew each second; with --once, or --json (an object a line), for
/// programs.
int run_top(const Session& session, const Given& given, std::ostream& errors);

/// What two samples of `status` and `counters`, `seconds` apart, come to: `{"seconds","healthy","problem",
/// "enforcement","generation","packets_per_second","bytes_per_second","missed_per_second","requests_per_second":
/// {protocol: N},"blocked_per_second":{list:
/// N},"workers":[{"lcore","busy_ratio"}],"lists":[{"name","entries", "age_seconds"}]}`.
nlohmann::json top_figures(const nlohmann::json& before, const nlohmann::json& after, double seconds);
/// The page for a terminal.
std::string top_page(const Session& session, const nlohmann::json& figures);

}  // namespace weir::ctl
