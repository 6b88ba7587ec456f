#pragma once

#include <ostream>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl audit`: shows records, or verifies the log: over the socket, or a file without the daemon.
int run_audit(const Session& session, const Given& given, std::ostream& errors);
bool audits_offline(const Given& given);

}  // namespace weir::ctl
