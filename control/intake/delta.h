#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "control/intake/feed_verification.h"
#include "control/intake/fetcher.h"
#include "control/intake/list_parser.h"
#include "control/lists/store.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The list in force, which changes can be applied to.
struct DeltaBase {
  ContentPtr content;
  std::string token;
  std::uint64_t duplicates = 0;  // of it, in the feed
  Edition edition;
  std::int64_t last_full_unix_seconds = 0;

  /// Whether changes can be asked for: there is a token, and there are entries and not fingerprints alone.
  [[nodiscard]] bool is_usable() const {
    return !token.empty() && content != nullptr && content->fingerprints == nullptr;
  }
};

/// Changes that fit a base.
struct AppliedDelta {
  std::string token;
  Edition edition;                 // the base's, and what the changes say
  std::optional<ParsedList> list;  // none: nothing changed
};

/// Applies changes, all or nothing. An addition of what is there already is a duplicate. Refused are a
/// removal of what is not there (twice the same is that, too), an entry that is both added and removed, other
/// changes than since the base's token, and removals from a list with duplicates: nobody can tell whether the
/// entry stands there once more. Error codes: delta_base, delta_mismatch, delta_duplicates, those of
/// formats::read_delta(); messages name the line.
base::Result<AppliedDelta> apply_delta(const config::ListSettings& list, const DeltaBase& base,
                                       std::string_view bytes, const ProtectedHosts& protected_hosts,
                                       rules::EntryParser& parser);

/// What became of asking for changes: one of `refused`, `failed`, or a list.
struct DeltaFetch {
  ServerSaid said;
  std::optional<base::Error> refused;  // the whole list is needed; delta_expired: the server has no changes
  std::optional<base::Error> failed;   // to be tried again later
  std::string token;
  Edition edition;
  std::optional<ParsedList> list;  // none: nothing changed
};

/// Asks for the changes since `base`, verifies and applies them, and holds the result to the guards of
/// `list`.
DeltaFetch fetch_delta(const config::ListSettings& list, const DeltaBase& base,
                       const std::filesystem::path& protected_hosts, rules::EntryParser& parser,
                       const std::atomic<bool>& stop);

}  // namespace weir::control
