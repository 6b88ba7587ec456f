#include <cstdlib>
#include <exception>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "config/settings.h"
#include "control/ctl/command.h"
#include "dataplane/base/version.h"

namespace {

namespace po = boost::program_options;
using weir::ctl::kDone;
using weir::ctl::kFailed;
using weir::ctl::kUsage;

po::options_description global_options() {
  po::options_description description("Options");
  description.add_options()("help,h", "print this and exit")("version", "print the versions and exit")(
      "socket,s", po::value<std::string>()->value_name("PATH"), "weir-control's socket")(
      "config,c",
      po::value<std::string>()->default_value(weir::config::kDefaultConfigFile)->value_name("FILE"),
      "configuration file")("json", "print answers as JSON")("check-config",
                                                             "check the configuration and exit");
  return description;
}

/// The options of all commands, each name once. check_usage() checks which of them a command takes.
po::options_description command_options() {
  po::options_description description;
  std::set<std::string> seen;
  for (const auto& command : weir::ctl::commands()) {
    for (const auto& option : command.options) {
      std::string name(option.name);
      if (!seen.insert(name).second) continue;
      if (option.letter != 0) name.append(",").push_back(option.letter);
      if (option.value.empty()) {
        description.add_options()(name.c_str(), "");
      } else {
        description.add_options()(name.c_str(), po::value<std::string>(), "");
      }
    }
  }
  return description;
}

int usage(const std::string& message) {
  std::cerr << "weirctl: " << message << "; see weirctl --help\n";
  return kUsage;
}

/// The command's arguments and options.
weir::ctl::Given read_given(const po::variables_map& variables, std::vector<std::string> words) {
  weir::ctl::Given given;
  given.arguments.assign(words.begin() + 1, words.end());
  const po::options_description known = command_options();
  for (const auto& option : known.options()) {
    const std::string& name = option->long_name();
    if (variables.count(name) == 0) continue;
    const auto* text = boost::any_cast<std::string>(&variables[name].value());
    given.options[name] = text == nullptr ? std::string() : *text;
  }
  return given;
}

int check_usage(const weir::ctl::Command& command, const weir::ctl::Given& given) {
  if (given.arguments.size() < command.fewest || given.arguments.size() > command.most) {
    return usage(fmt::format("expected weirctl {} {}, but {} arguments were given", command.name,
                             command.arguments, given.arguments.size()));
  }
  for (const auto& entry : given.options) {
    bool known = false;
    for (const auto& option : command.options) known = known || option.name == entry.first;
    if (!known) return usage(fmt::format("{} has no option --{}", command.name, entry.first));
  }
  return kDone;
}

/// Of one command, or of all.
int print_help(const std::vector<std::string>& words) {
  if (!words.empty()) {
    const auto* command = weir::ctl::find_command(words[0]);
    if (command == nullptr) return usage(fmt::format("no command {}", words[0]));
    std::cout << weir::ctl::command_help(*command);
    return kDone;
  }
  std::cout << "Usage: weirctl [OPTION]... COMMAND [ARGUMENT]...\n"
               "Shows what weir-control knows, and tells it what to do.\n"
               "`weirctl COMMAND --help` says more about one command.\n\n"
            << weir::ctl::command_help() << '\n'
            << global_options() << "\nExit status: 0 success, 1 failure, 2 usage or configuration error.\n";
  return kDone;
}

/// The socket to talk to; empty for a command that needs none.
weir::base::Result<std::string> socket_of(const po::variables_map& variables,
                                          const weir::ctl::Command& command, const weir::ctl::Given& given) {
  if (!command.needs_socket(given)) return std::string();
  if (variables.count("socket") != 0) return variables["socket"].as<std::string>();
  const auto settings =
      weir::config::load_settings(variables["config"].as<std::string>(), weir::config::Audience::client);
  if (!settings) return settings.error();
  return settings.value().control.socket.string();
}

int run(const po::variables_map& variables) {
  const auto words = variables.count("words") != 0 ? variables["words"].as<std::vector<std::string>>()
                                                   : std::vector<std::string>();
  if (variables.count("help") != 0) return print_help(words);
  if (variables.count("version") != 0) {
    std::cout << weir::base::version_text("weirctl") << '\n';
    return kDone;
  }
  const auto file = variables["config"].as<std::string>();
  if (variables.count("check-config") != 0) {
    const auto settings = weir::config::load_settings(file, weir::config::Audience::client);
    if (settings) std::cout << file << ": no problem found\n";
    if (!settings) std::cerr << "weirctl: " << settings.error().message << '\n';
    return settings ? kDone : kUsage;
  }
  if (words.empty()) return usage("no command given");
  const auto* command = weir::ctl::find_command(words[0]);
  if (command == nullptr) return usage(fmt::format("no command {}", words[0]));
  const auto given = read_given(variables, words);
  if (const int status = check_usage(*command, given); status != kDone) return status;
  const auto socket = socket_of(variables, *command, given);
  if (!socket) {
    std::cerr << "weirctl: " << socket.error().message << '\n';
    return kUsage;
  }
  const bool colours = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const weir::ctl::Session session(socket.value(), variables.count("json") != 0, colours, std::cout);
  return weir::ctl::run_command(*command, given, session, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    po::variables_map variables;
    try {
      po::options_description all = global_options();
      all.add(command_options());
      all.add_options()("words", po::value<std::vector<std::string>>(), "");
      po::positional_options_description positional;
      positional.add("words", -1);
      po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), variables);
      po::notify(variables);
    } catch (const po::error& error) {
      return usage(error.what());
    }
    return run(variables);
  } catch (const std::exception& error) {
    std::cerr << "weirctl: " << error.what() << '\n';
    return kFailed;
  }
}
