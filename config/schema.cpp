#include "config/schema.h"

#include "config/choices.h"
#include "config/text_checks.h"

namespace weir::config {
namespace {

std::vector<Row<Settings>> all_rows() {
  std::vector<Row<Settings>> rows;
  for (const auto& row : dataplane_rows()) {
    rows.push_back(row);
    // They stand with the other settings of the inspection.
    if (row.key == "dataplane.inspect.quic")
      rows.insert(rows.end(), encapsulation_rows().begin(), encapsulation_rows().end());
  }
  rows.insert(rows.end(), control_rows().begin(), control_rows().end());
  rows.push_back(
      {"lists",
       [](Settings& s) -> Field { return &s.lists; },
       {.help = "The lists, highest precedence first: a verdict names the first list that holds the "
                "entry.",
        .change_needs = ChangeNeeds::reconfigure}});
  rows.push_back(
      {"protected_hosts",
       [](Settings& s) -> Field { return &s.protected_hosts; },
       {.help = "File of hosts, one per line, that no list may block without explicit confirmation.",
        .check = check_optional_path,
        .pattern = kOptionalPathPattern,
        .change_needs = ChangeNeeds::reconfigure}});
  return rows;
}

}  // namespace

std::string_view to_string(PortRole role) noexcept { return kPortRoles[base::index_of(role)].name; }

std::span<const Row<Settings>> settings_rows() {
  static const std::vector<Row<Settings>> rows = all_rows();
  return rows;
}

}  // namespace weir::config
