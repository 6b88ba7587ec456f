#pragma once

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/rpc/client.h"
#include "tests/support/scratch.h"

namespace weir::test {

/// The program weir-control in a directory of its own, with one manual list.
class Service {
 public:
  explicit Service(const Scratch& scratch) : scratch_(scratch) { configure(); }
  ~Service() { end(SIGKILL); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Writes the configuration: `lists` after the manual list, `control` into the section of this name.
  void configure(const std::string& lists = "", const std::string& control = "") const {
    write_file(scratch_ / "weir.yaml", "dataplane:\n  socket: " + (scratch_ / "dataplane.sock").string() +
                                           "\n  snapshot_dir: " + (scratch_ / "snapshots").string() +
                                           "\ncontrol:\n  socket: " + socket() + "\n  state_dir: " +
                                           (scratch_ / "state").string() + "\n  metrics: {listen: \"\"}\n" +
                                           control + "lists:\n  - {name: local, type: manual}\n" + lists);
  }

  /// Returns when it answers.
  void start() {
    const std::string program = std::string(WEIR_PROGRAMS) + "/weir-control";
    const std::string config = (scratch_ / "weir.yaml").string();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execl(program.c_str(), "weir-control", "--config", config.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    for (int i = 0; i < 3000; ++i) {
      if (call("version")) return;
      ::usleep(20000);
    }
    FAIL() << "weir-control does not answer";
  }
  /// Its exit status, or -1 for a signal.
  int end(int signal) {
    if (pid_ <= 0) return -1;
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void signal(int signal) const { ::kill(pid_, signal); }

  [[nodiscard]] base::Result<nlohmann::json> call(
      const std::string& method, const nlohmann::json& params = nlohmann::json::object()) const {
    return rpc::call(socket(), method, params, std::chrono::milliseconds(120000));
  }
  [[nodiscard]] std::string socket() const { return (scratch_ / "control.sock").string(); }
  [[nodiscard]] std::filesystem::path path(std::string_view name) const { return scratch_ / name; }

 private:
  const Scratch& scratch_;
  pid_t pid_ = -1;
};

}  // namespace weir::test
