#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings.h"
#include "control/updates/update_queue.h"
#include "dataplane/rules/rule.h"

namespace weir::control {

struct RuleRequest {
  std::string list;  // empty: the only manual list
  std::string entry;
  rules::Action action = rules::Action::block;
  std::string comment;
  std::optional<std::int64_t> expires_unix_seconds;  // none: never
  bool confirmed = false;                            // block it even if it covers a protected host
};

struct RemoveRequest {
  std::string list;  // empty: every manual list
  std::optional<std::uint32_t> id;
  std::string entry;  // if there is no id
};

/// Changes of single rules of manual lists. For the thread of the updates.
class RuleUpdates {
 public:
  RuleUpdates(const config::Settings& settings, const Publisher& publisher, UpdateQueue& queue)
      : settings_(settings), publisher_(publisher), queue_(queue) {}

  /// Error codes: those of manual_list() and publish(), entry_invalid, entry_protected, invalid_params,
  /// list_full, protected_unreadable, protected_invalid, ids_exhausted.
  ChangeAnswer add(Change& change, const RuleRequest& request);
  /// Error codes: those of manual_list() and publish(), entry_invalid, rule_unknown, list_not_manual.
  ChangeAnswer remove(Change& change, const RemoveRequest& request);

 private:
  [[nodiscard]] base::Error removal_error(const RemoveRequest& request) const;

  const config::Settings& settings_;
  const Publisher& publisher_;
  UpdateQueue& queue_;
  rules::EntryParser parser_;
};

}  // namespace weir::control
