#include <fmt/format.h>

#include "control/ctl/command.h"

namespace weir::ctl {

std::string bash_completion() {
  std::string names;
  std::string cases;
  for (const Command& command : commands()) {
    names += fmt::format("{} ", command.name);
    std::string options;
    for (const Option& option : command.options) options += fmt::format("--{} ", option.name);
    const bool completes_files = command.completes == "files";
    const std::string words =
        completes_files ? ""
        : command.completes == "lists"
            ? "$(weirctl --json lists 2>/dev/null | sed -n 's/^ *\"name\": \"\\(.*\\)\",*$/\\1/p')"
            : std::string(command.completes);
    cases += fmt::format("    {}) words=\"{}{}\"{} ;;\n", command.name, options, words,
                         completes_files ? " files=-f" : "");
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
      "    '') words='{}completion --socket --config --json --help --version' ;;\n"
      "{}"
      "    completion) words=bash ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen $files -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -F _weirctl weirctl\n",
      names, cases);
}

}  // namespace weir::ctl
