#pragma once

#include <iosfwd>

namespace weir::replay {

/// The whole program. Prints to `out`; errors and statistics go to `err`. Returns the exit status: 0 success,
/// 1 failure, 2 usage or configuration error.
int run_program(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace weir::replay
