#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/ctl/session.h"
#include "dataplane/base/result.h"

namespace weir::ctl {

/// The words that follow a command's name on the command line.
struct Given {
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  // flags have an empty value

  [[nodiscard]] bool has(std::string_view option) const { return options.find(option) != options.end(); }
  /// Empty if it was not given.
  [[nodiscard]] std::string text(std::string_view option) const {
    const auto found = options.find(option);
    return found == options.end() ? std::string() : found->second;
  }
};

struct Option {
  std::string_view name;     // without dashes
  std::string_view value{};  // what the help calls its value; empty: a flag
  std::string_view help;     // one line
  char letter = 0;           // short form; 0: none
};

/// The options of a command.
class Options {
 public:
  constexpr Options() = default;
  constexpr Options(std::initializer_list<Option> options) : count_(options.size()) {
    std::copy(options.begin(), options.end(), options_.begin());
  }
  [[nodiscard]] constexpr const Option* begin() const noexcept { return options_.data(); }
  [[nodiscard]] constexpr const Option* end() const noexcept { return options_.data() + count_; }

 private:
  std::array<Option, 6> options_{};
  std::size_t count_ = 0;
};

/// What the shell completes the first argument with.
enum class Completion : unsigned char { nothing, list_names, files, words };

/// A command that makes one call to weir-control and prints the answer.
struct RemoteCall {
  std::string_view method;
  /// The parameters of the call. Error code: usage.
  base::Result<nlohmann::json> (*request)(const Given& given);
  /// Prints the answer for people. Returns the exit status.
  int (*print)(const Session& session, const Given& given, const nlohmann::json& answer);
};

/// A command that does more, or something else.
struct LocalRun {
  /// Does and prints everything. Returns the exit status.
  int (*run)(const Session& session, const Given& given, std::ostream& errors);
  /// Whether it talks to weir-control, so that its socket must be known.
  bool (*needs_socket)(const Given& given);
};

/// One command. Help, completion, manual page and the check of the command line derive from its row.
struct Command {
  std::string_view name;
  std::string_view alias{};      // another name; empty: none
  std::string_view old_name{};   // also accepted, but not shown; empty: none
  std::string_view arguments{};  // as in the help: `ENTRY`, `[LIST]`
  std::size_t fewest = 0;        // arguments
  std::size_t most = 0;
  Options options{};
  Completion completion = Completion::nothing;
  std::string_view words{};  // for Completion::words
  std::string_view help;     // one line of at most 50 characters
  std::string_view details;  // what `weirctl COMMAND --help` adds
  std::string_view example;
  std::variant<RemoteCall, LocalRun> action;

  [[nodiscard]] bool needs_socket(const Given& given) const;
};

std::span<const Command> commands();
/// By name, alias or old name; null: no such command.
const Command* find_command(std::string_view name);

/// Runs a command and prints its result; errors go to `errors`. Returns the exit status.
int run_command(const Command& command, const Given& given, const Session& session, std::ostream& errors);

/// The commands and their options, as `weirctl --help` shows them. No line is longer than 80 characters.
std::string command_help();
/// `weirctl COMMAND --help`.
std::string command_help(const Command& command);
/// A completion script for bash: commands, options and first arguments.
std::string bash_completion();

}  // namespace weir::ctl
