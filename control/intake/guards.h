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

/// Whether a list of `entries` may take the place of the last good one of `last_good` (0: there is none).
/// Error codes: guard_empty, guard_min_entries, guard_shrink, guard_growth. The message says which setting
/// decided.
base::Status check_size(const config::GuardSettings& guards, std::size_t entries, std::size_t last_good);

/// Hosts that no block rule may cover, for a list that somebody else writes must not take down the operator's
/// own names. A protected host protects the hosts below it too.
class ProtectedHosts {
 public:
  ProtectedHosts() = default;
  /// Reads the file (`plain` format, whole hosts). Error codes: protected_unreadable, protected_invalid.
  static base::Result<ProtectedHosts> read(const std::filesystem::path& file, rules::EntryParser& parser);

  void add(std::string host);
  /// Whether the rule would block a protected host: a whole-host rule on it, on a host below it, or on a
  /// domain that holds it; a path rule only if it also blocks the host of encrypted connections.
  [[nodiscard]] bool covers(const rules::Rule& rule, bool block_host_on_tls) const;

 private:
  [[nodiscard]] bool is_protected(std::string_view host) const;

  std::unordered_set<std::string> hosts_;
  std::unordered_set<std::string> above_;  // every parent domain of a protected host
};

}  // namespace weir::control
