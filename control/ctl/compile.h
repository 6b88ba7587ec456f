#pragma once

#include <ostream>

#include "control/ctl/command.h"

namespace weir::ctl {

/// `weirctl compile LIST...`: plain lists into a snapshot file, with no daemon asked. A list is a FILE, named
/// after its stem, or NAME=FILE; the order is their precedence. Refused lines are reported to `errors` as
/// `FILE:LINE: reason`, never with their text, and the rest is compiled. The exit status.
int compile_lists(const Session& session, const Given& given, std::ostream& errors);

}  // namespace weir::ctl
