#pragma once

namespace weir::base {

/// Sends the log of a daemon to standard error: time, program, level, text. If standard error is systemd's
/// journal (JOURNAL_STREAM), which adds time and program itself, each line begins with its priority instead
/// (`<3>`, see sd-daemon(3)).
void set_up_log(const char* program);

}  // namespace weir::base
