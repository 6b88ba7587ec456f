#pragma once

#include <iosfwd>

namespace weir::replay {

/// The whole program: what it prints goes to `out`, complaints and statistics to `err`. The result is the
/// exit status: 0 done, 1 failed, 2 usage or configuration error.
int run_program(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace weir::replay
