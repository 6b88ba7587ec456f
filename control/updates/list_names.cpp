#include "control/updates/list_names.h"

#include <vector>

#include <fmt/format.h>

namespace weir::control {

std::optional<std::size_t> list_index(const config::Settings& settings, const std::string& name) {
  for (std::size_t i = 0; i < settings.lists.size(); ++i) {
    if (settings.lists[i].name == name) return i;
  }
  return std::nullopt;
}

base::Result<std::size_t> manual_list(const config::Settings& settings, const std::string& name) {
  std::vector<std::size_t> manual;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < settings.lists.size(); ++i) {
    if (settings.lists[i].type != config::ListType::manual) continue;
    manual.push_back(i);
    names.push_back(settings.lists[i].name);
  }
  if (name.empty()) {
    if (manual.size() == 1) return manual[0];
    if (manual.empty()) {
      return base::Error{"list_unknown",
                         "no manual list is configured; add one: `- {name: local, type: manual}`"};
    }
    return base::Error{"list_required",
                       fmt::format("there are several manual lists, name one: {}", fmt::join(names, ", "))};
  }
  const auto index = list_index(settings, name);
  if (!index)
    return base::Error{"list_unknown",
                       fmt::format("no list {}; the manual lists are: {}", name, fmt::join(names, ", "))};
  if (settings.lists[*index].type != config::ListType::manual) {
    return base::Error{
        "list_not_manual",
        fmt::format("list {} is a feed; only manual lists can be changed: {}", name, fmt::join(names, ", "))};
  }
  return *index;
}

}  // namespace weir::control
