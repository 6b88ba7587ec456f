#include "dataplane/base/signals.h"

#include <array>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

namespace weir::base {
namespace {

// Puts the mask and the dispositions of the process back when a test ends.
class SignalsTest : public testing::Test {
 protected:
  SignalsTest() {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], nullptr, &actions_[i]);
  }
  ~SignalsTest() override {
    while (next_signal_request() != SignalRequest::none) {
    }
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &actions_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }

 private:
  static constexpr std::array kSignals{SIGHUP, SIGPIPE};
  sigset_t mask_{};
  std::array<struct sigaction, kSignals.size()> actions_{};
};

TEST_F(SignalsTest, AreTakenOneByOneAndStopComesFirst) {
  block_signals();
  EXPECT_EQ(next_signal_request(), SignalRequest::none);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) ASSERT_EQ(::kill(::getpid(), signal), 0);
  EXPECT_EQ(next_signal_request(), SignalRequest::stop);
  EXPECT_EQ(next_signal_request(), SignalRequest::stop);
  EXPECT_EQ(next_signal_request(), SignalRequest::reconfigure);
  EXPECT_EQ(next_signal_request(), SignalRequest::none);
}

TEST_F(SignalsTest, AreBlockedInThreadsMadeLater) {
  block_signals();
  sigset_t mask{};
  std::thread([&mask] { ::pthread_sigmask(SIG_SETMASK, nullptr, &mask); }).join();
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) EXPECT_EQ(sigismember(&mask, signal), 1) << signal;
}

TEST_F(SignalsTest, AHangupThatTheParentIgnoredIsSeen) {
  std::signal(SIGHUP, SIG_IGN);
  block_signals();
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_EQ(next_signal_request(), SignalRequest::reconfigure);
}

TEST_F(SignalsTest, AClientThatGoesAwayDoesNotEndTheProcess) {
  std::signal(SIGPIPE, SIG_DFL);
  block_signals();
  struct sigaction action {};
  ::sigaction(SIGPIPE, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_IGN);
}

}  // namespace
}  // namespace weir::base
