#include <fmt/format.h>

#include "control/ctl/command.h"

namespace weir::ctl {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kTextColumn = 30;

std::string option_text(const Option& option) {
  const std::string name = option.letter == 0 ? fmt::format("--{}", option.name)
                                              : fmt::format("-{}, --{}", option.letter, option.name);
  return option.value.empty() ? name : fmt::format("{} {}", name, option.value);
}

std::string usage_text(std::string_view name, std::string_view arguments) {
  return arguments.empty() ? std::string(name) : fmt::format("{} {}", name, arguments);
}

std::string line(std::size_t indent, const std::string& left, std::string_view text) {
  return fmt::format("{:{}}{:<{}}  {}\n", "", indent, left, kTextColumn - indent - 2, text);
}

std::string options_text(const Command& command) {
  std::string text;
  for (const Option& option : command.options) text += line(4, option_text(option), option.help);
  return text;
}

/// In lines of at most kWidth characters.
std::string wrapped(std::string_view text) {
  std::string result;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column != 0 && column + 1 + word.size() > kWidth) {
      result += '\n';
      column = 0;
    }
    if (column != 0) result += ' ';
    result += word;
    column += word.size() + (column != 0 ? 1 : 0);
  }
  return result + '\n';
}

}  // namespace

std::string command_help() {
  std::string help = "Commands:\n";
  for (const Command& command : commands()) {
    help += line(2, usage_text(command.name, command.arguments), command.help);
    help += options_text(command);
    if (!command.alias.empty()) {
      help += line(2, usage_text(command.alias, command.arguments),
                   fmt::format("another name for {}", command.name));
    }
  }
  return help;
}

std::string command_help(const Command& command) {
  std::string help = fmt::format("Usage: weirctl {}{}\n\n", usage_text(command.name, command.arguments),
                                 command.options.begin() == command.options.end() ? "" : " [OPTION]...");
  help += line(2, usage_text(command.name, command.arguments), command.help);
  help += options_text(command);
  if (!command.alias.empty()) help += line(2, std::string(command.alias), "another name");
  return help + '\n' + wrapped(command.details) + fmt::format("\nExample:\n  {}\n", command.example);
}

}  // namespace weir::ctl
