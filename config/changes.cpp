#include "config/changes.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
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

bool is_of_dataplane(std::string_view key) { return key.starts_with("dataplane."); }

void copy_value(const Row<Settings>& row, Settings& from, Settings& to) {
  const Field source = row.field(from);
  const Field target = row.field(to);
  std::visit(
      [&target](const auto& value) {
        const auto& place = std::get<std::decay_t<decltype(value)>>(target);
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Choice>) {
          *place.value = *value.value;
        } else {
          *place = *value;
        }
      },
      source);
}

}  // namespace

std::vector<std::string> changed_settings(const Settings& before, const Settings& after) {
  // Copies, because the rows give pointers to values that may be written.
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

Reconfigured take_over(const Settings& current, const Settings& wanted, Audience audience) {
  const bool by_dataplane = audience == Audience::dataplane;
  Reconfigured result{.in_force = current, .changed = {}, .needs_restart = {}};
  Settings from = wanted;
  for (const Row<Settings>& row : settings_rows()) {
    if (row.traits.change_needs == ChangeNeeds::reconfigure && is_of_dataplane(row.key) == by_dataplane)
      copy_value(row, from, result.in_force);
  }
  result.changed = changed_settings(current, wanted);
  result.needs_restart = changed_settings(result.in_force, wanted);
  if (by_dataplane) {
    const auto is_foreign = [](const std::string& key) { return !is_of_dataplane(key); };
    std::erase_if(result.changed, is_foreign);
    std::erase_if(result.needs_restart, is_foreign);
  }
  return result;
}

}  // namespace weir::config
