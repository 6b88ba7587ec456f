#pragma once

#include <ostream>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl compile LIST...`: compiles plain lists to a snapshot file, without weir-control. A list is
/// NAME=FILE, or FILE, whose stem is the name; earlier lists take precedence. Refused lines are reported to
/// `errors` as `FILE:LINE: reason`, never with their text, and the rest is compiled. Returns the exit status.
int compile_lists(const Session& session, const Given& given, std::ostream& errors);

}  // namespace weir::ctl
