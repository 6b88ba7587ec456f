#pragma once

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl selftest`: makes a self-test and prints it; exit status 1 unless it passed. With --certificate,
/// also writes a signed report to a file. With --check-certificate, verifies such a file instead.
int run_self_test(const Session& session, const Given& given, std::ostream& errors);
/// Not with --check-certificate.
bool self_test_needs_socket(const Given& given);

}  // namespace weir::ctl
