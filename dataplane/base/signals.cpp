#include "dataplane/base/signals.h"

#include <csignal>
#include <ctime>
#include <initializer_list>

#include <pthread.h>

namespace weir::base {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

bool take_one_of(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  constexpr timespec kNoWait{};
  return ::sigtimedwait(&set, nullptr, &kNoWait) > 0;
}

}  // namespace

void block_signals() {
  // A parent may have ignored it (nohup), and an ignored signal does not wait.
  std::signal(SIGHUP, SIG_DFL);
  const sigset_t set = set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR1});
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

SignalRequest next_signal_request() {
  if (take_one_of({SIGTERM, SIGINT})) return SignalRequest::stop;
  if (take_one_of({SIGHUP})) return SignalRequest::reconfigure;
  if (take_one_of({SIGUSR1})) return SignalRequest::refresh;
  return SignalRequest::none;
}

}  // namespace weir::base
