#include <fmt/format.h>

#include "control/ctl/command.h"

namespace weir::ctl {
namespace {

/// The words that complete the first argument, as the shell expands them.
std::string words_of(const Command& command) {
  switch (command.completion) {
    case Completion::list_names:
      return "$(weirctl --json lists 2>/dev/null | sed -n 's/^ *\"name\": \"\\(.*\\)\",*$/\\1/p')";
    case Completion::words:
      return std::string(command.words);
    default:
      return {};
  }
}

}  // namespace

std::string bash_completion() {
  std::string names;
  std::string cases;
  for (const Command& command : commands()) {
    const bool has_alias = !command.alias.empty();
    names +=
        has_alias ? fmt::format("{} {} ", command.name, command.alias) : fmt::format("{} ", command.name);
    std::string options;
    for (const Option& option : command.options) options += fmt::format("--{} ", option.name);
    cases += fmt::format("    {}{}{}) words=\"{}--help {}\"{} ;;\n", command.name, has_alias ? " | " : "",
                         command.alias, options, words_of(command),
                         command.completion == Completion::files ? " files=-f" : "");
  }
  return fmt::format(
      "_weirctl() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} command= words= files= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${{COMP_WORDS[i]}} in\n"
      "      --socket | --config) ((i++)) ;;\n"
      "      -*) ;;\n"
      "      *) command=${{COMP_WORDS[i]}}; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $command in\n"
      "    '') words='{}--socket --config --json --help --version' ;;\n"
      "{}"
      "  esac\n"
      "  COMPREPLY=($(compgen $files -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -F _weirctl weirctl\n",
      names, cases);
}

}  // namespace weir::ctl
