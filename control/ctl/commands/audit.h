#pragma once

#include <ostream>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl audit`: prints records, or verifies the log; with --file, without weir-control.
int run_audit(const Session& session, const Given& given, std::ostream& errors);
bool audit_needs_socket(const Given& given);

}  // namespace weir::ctl
