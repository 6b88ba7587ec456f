#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "control/intake/feed_verification.h"
#include "control/intake/fetcher.h"
#include "control/intake/list_parser.h"
#include "control/lists/delta_result.h"
#include "control/lists/state.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// A content in force that changes can be applied to: its entries are at hand, and so is the source's token
/// for it.
struct DeltaBase {
  ContentPtr content;  // EntryForm::text
  std::string token;
  std::uint64_t duplicates = 0;  // in the feed
  Edition edition;
  std::int64_t last_full_unix_seconds = 0;
};

/// The result of applying changes to a base.
struct AppliedDelta {
  std::string token;
  Edition edition;                 // the base's, updated with what the changes say
  std::optional<ParsedList> list;  // none: nothing changed
};

/// Applies changes, all or nothing. Adding an entry that the list has counts as a duplicate. Refused are:
/// removing an entry that the list does not have or that was removed already; adding and removing the same
/// entry; changes since another token than the base's; and removals from a list with duplicates, where nobody
/// can tell whether another copy of the entry remains. Error codes: delta_base, delta_mismatch,
/// delta_duplicates, and those of formats::read_delta(). Messages name the line.
base::Result<AppliedDelta> apply_delta(const config::ListSettings& list, const DeltaBase& base,
                                       std::string_view bytes, const ProtectedHosts& protected_hosts,
                                       rules::EntryParser& parser);

/// The result of asking for changes: the changes applied; why the whole list is needed; or an error after
/// which the changes are asked for again later.
struct DeltaFetch {
  ResponseInfo response;
  std::variant<AppliedDelta, DeltaProblem, base::Error> result;
};

/// Asks for the changes since `base`, verifies and applies them, and holds the resulting list to the guards
/// of `list`.
DeltaFetch fetch_delta(const config::ListSettings& list, const DeltaBase& base,
                       const std::filesystem::path& protected_hosts, rules::EntryParser& parser,
                       const std::atomic<bool>& stop);

}  // namespace weir::control
