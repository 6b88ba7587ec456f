#pragma once

#include <cstdint>

namespace weir::base {

/// What a signal asks a daemon to do: SIGTERM and SIGINT to stop, SIGHUP to reconfigure, SIGUSR1 to check its
/// feeds now (a daemon without feeds ignores it).
enum class SignalRequest : std::uint8_t { none, stop, reconfigure, refresh };

/// Blocks these signals, so that they wait for next_signal_request(). Call it before the first thread is
/// made: threads inherit the mask. Also ignores SIGPIPE, so that a client that goes away does not end the
/// daemon.
void block_signals();

/// Takes one of the blocked signals that has arrived. Does not wait. A request to stop comes first.
SignalRequest next_signal_request();

}  // namespace weir::base
