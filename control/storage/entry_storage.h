#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "config/settings.h"
#include "control/storage/entry_key.h"
#include "dataplane/base/result.h"

namespace weir::storage {

/// How the files that hold entries are kept.
struct EntryStorage {
  config::AtRest at_rest = config::AtRest::plain;
  std::shared_ptr<const storage::EntryKey> key;  // null for `plain` without a key
};

/// The name of the key among systemd's credentials (`LoadCredentialEncrypted=weir-entries-key:...`).
inline constexpr std::string_view kKeyCredential = "weir-entries-key";

/// Finds the key: the credential in `credentials_directory` (empty: none), else `entries.key_file`, else
/// `entries.key` in the state directory; makes that file where the settings say so and nothing is encrypted
/// yet. Error codes: key_missing, key_invalid, io.
base::Result<EntryStorage> open_entry_storage(const config::ControlSettings& settings,
                                              const std::filesystem::path& credentials_directory);

/// Keeps the memory of this process from core dumps and, where RLIMIT_MEMLOCK can be raised and `lock` says
/// so, from swap.
void protect_memory(bool lock);

}  // namespace weir::storage
