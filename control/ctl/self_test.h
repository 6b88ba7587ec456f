#pragma once

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl selftest`: makes a self-test and prints it (exit status 1 unless it was passed); with
/// --certificate writes the signed report to a file; with --check-certificate reads such a file and says
/// whether its signature is good.
int run_self_test(const Session& session, const Given& given, std::ostream& errors);
/// Whether it asks nobody: --check-certificate.
bool self_test_is_offline(const Given& given);

}  // namespace weir::ctl
