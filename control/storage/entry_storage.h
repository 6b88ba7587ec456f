#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "config/settings.h"
#include "control/storage/entry_key.h"
#include "dataplane/base/result.h"

namespace weir::storage {

/// How files that hold entries are stored.
struct EntryStorage {
  config::AtRest at_rest = config::AtRest::plain;
  std::shared_ptr<const EntryKey> key;  // null only for `plain`
};

/// Name of the systemd credential that holds the key (`LoadCredentialEncrypted=weir-entries-key:...`).
inline constexpr std::string_view kKeyCredential = "weir-entries-key";

/// Finds the key: the credential in `credentials_directory` (empty: there is none), else `entries.key_file`,
/// else `entries.key` in the state directory. Makes that file if `entries.make_key` is set and nothing is
/// encrypted yet. Error codes: key_missing, key_invalid, io.
base::Result<EntryStorage> open_entry_storage(const config::ControlSettings& settings,
                                              const std::filesystem::path& credentials_directory);

/// Keeps the memory of this process out of core dumps. With `lock`, also out of swap, if RLIMIT_MEMLOCK can
/// be raised.
void protect_memory(bool lock);

}  // namespace weir::storage
