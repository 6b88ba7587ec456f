#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::ctl {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// What stands behind a command's name on the command line.
struct Given {
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  // flags have an empty value

  [[nodiscard]] bool has(std::string_view option) const { return options.find(option) != options.end(); }
  /// Empty when it was not given.
  [[nodiscard]] std::string text(std::string_view option) const {
    const auto found = options.find(option);
    return found == options.end() ? std::string() : found->second;
  }
};

/// Where a command talks to: the daemon, and the user.
class Session {
 public:
  Session(std::string socket, bool json, bool colours, std::ostream& out)
      : socket_(std::move(socket)), json_(json), colours_(colours), out_(out) {}

  /// The result of a method. While it takes longer than a second, a terminal shows that it goes on.
  [[nodiscard]] base::Result<nlohmann::json> call(const std::string& method,
                                                  const nlohmann::json& params) const;
  /// An error of a call with what to do about it.
  [[nodiscard]] base::Error explain(base::Error error) const;
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
  [[nodiscard]] bool json() const noexcept { return json_; }
  [[nodiscard]] std::ostream& out() const noexcept { return out_; }
  [[nodiscard]] std::string good(std::string_view text) const { return coloured("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return coloured("31;1", text); }

 private:
  [[nodiscard]] std::string coloured(std::string_view code, std::string_view text) const;

  const std::string socket_;
  const bool json_;
  const bool colours_;
  std::ostream& out_;
};

struct Option {
  std::string_view name;   // without dashes
  std::string_view value;  // its name in the help; empty: a flag
  std::string_view help;
  char letter = 0;  // its short form; 0: none
};

/// One command: help, completion and the check of the command line derive from its row.
struct Command {
  std::string_view name;
  std::string_view arguments;  // as in the help: `ENTRY`, `[LIST]`
  std::size_t fewest = 0;      // arguments
  std::size_t most = 0;
  std::span<const Option> options;
  std::string_view completes;  // words for its first argument; `lists`: names of lists, `files`: of files
  std::string_view help;
  /// The call to make. Error code: usage.
  base::Result<nlohmann::json> (*request)(const Given& given);
  std::string_view method;
  /// Prints the answer for people; the exit status.
  int (*print)(const Session& session, const Given& given, const nlohmann::json& answer);
  /// In place of the three where it is not null: does and prints all of it; the exit status.
  int (*run)(const Session& session, const Given& given, std::ostream& errors) = nullptr;
  /// Whether it asks nobody, so that it needs no configuration either. Null: it asks the daemon.
  bool (*offline)(const Given& given) = nullptr;
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

/// Runs a command and prints what came of it; errors go to `errors`. The exit status.
int run_command(const Command& command, const Given& given, const Session& session, std::ostream& errors);
/// Prints why a command failed, as JSON too where that is wanted. The exit status.
int report_error(const Session& session, const base::Error& error, std::ostream& errors);

/// The commands and their options, as `weirctl --help` shows them.
std::string command_help();
/// A script for bash that completes commands, their options and arguments.
std::string bash_completion();

}  // namespace weir::ctl
