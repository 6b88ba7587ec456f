#pragma once

namespace weir::base {

/// Sends the log of a daemon to standard error: time, program, level, text. Where that is systemd's journal
/// (JOURNAL_STREAM), which has time and program of its own, each line begins with its priority instead
/// (`<3>`, sd-daemon(3)).
void set_up_log(const char* program);

}  // namespace weir::base
