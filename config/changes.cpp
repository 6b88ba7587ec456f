#include "config/changes.h"

#include <algorithm>
#include <variant>

#include "config/schema.h"
#include "config/values.h"

namespace weir::config {
namespace {

template <class Target>
bool differs(const Row<Target>& row, Target& before, Target& after) {
  return format_value(row.field(before)) != format_value(row.field(after));
}

template <class Target>
bool any_differs(std::span<const Row<Target>> rows, Target before, Target after) {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return differs(row, before, after); });
}

bool same_ports(const std::vector<PortSettings>& before, const std::vector<PortSettings>& after) {
  return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                    [](const auto& a, const auto& b) { return !any_differs(port_rows(), a, b); });
}

void compare_lists(const std::vector<ListSettings>& before, const std::vector<ListSettings>& after,
                   std::vector<std::string>& keys) {
  const auto named = [](const std::vector<ListSettings>& lists, const std::string& name) {
    return std::find_if(lists.begin(), lists.end(), [&](const auto& list) { return list.name == name; });
  };
  std::vector<std::string> kept_before;
  std::vector<std::string> kept_after;
  for (const ListSettings& list : before) {
    const auto other = named(after, list.name);
    if (other != after.end()) kept_before.push_back(list.name);
    if (other == after.end() || any_differs(list_rows(), list, *other))
      keys.push_back("lists[" + list.name + "]");
  }
  for (const ListSettings& list : after) {
    if (named(before, list.name) == before.end()) {
      keys.push_back("lists[" + list.name + "]");
    } else {
      kept_after.push_back(list.name);
    }
  }
  if (kept_before != kept_after) keys.emplace_back("lists");
}

}  // namespace

std::vector<std::string> changed_settings(const Settings& before, const Settings& after) {
  // Rows point into what they are given, and not at constants.
  Settings old = before;
  Settings fresh = after;
  std::vector<std::string> keys;
  for (const Row<Settings>& row : settings_rows()) {
    const Field field = row.field(old);
    if (std::holds_alternative<std::vector<PortSettings>*>(field)) {
      if (!same_ports(before.dataplane.ports, after.dataplane.ports)) keys.emplace_back(row.key);
    } else if (std::holds_alternative<std::vector<ListSettings>*>(field)) {
      compare_lists(before.lists, after.lists, keys);
    } else if (differs(row, old, fresh)) {
      keys.emplace_back(row.key);
    }
  }
  return keys;
}

}  // namespace weir::config
