#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/rules/plain_list.h"

namespace weir::control {

/// Whether a list of `entries` may replace the last good list of `last_good` entries (0: there is none).
/// Error codes: guard_empty, guard_min_entries, guard_shrink, guard_growth. The message names the setting.
base::Status check_size(const config::GuardSettings& guards, std::size_t entries, std::size_t last_good);

/// Hosts that no block rule may cover: a third party's list must not take down the operator's own names.
/// Protecting a host protects the hosts below it as well.
class ProtectedHosts {
 public:
  ProtectedHosts() = default;
  /// Reads a file of hosts in the format `plain`. An empty path is a set without hosts. Error codes:
  /// protected_unreadable, protected_invalid.
  static base::Result<ProtectedHosts> read(const std::filesystem::path& file, rules::EntryParser& parser);

  void add(std::string host);
  /// Whether the rule would block a protected host: a whole-host rule for it, for a host below it, or for a
  /// domain above it. A path rule only counts if it also blocks the whole host of encrypted connections.
  [[nodiscard]] bool covers(const rules::Rule& rule, bool block_host_on_tls) const;

 private:
  [[nodiscard]] bool is_protected(std::string_view host) const;

  std::unordered_set<std::string> hosts_;
  std::unordered_set<std::string> above_;  // every domain above a protected host
};

}  // namespace weir::control
