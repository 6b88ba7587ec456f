#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace weir::control {

// A FetchRecord's digest is `CONTENT-READING+PROTECTION`. CONTENT identifies the bytes or, if there is one,
// the token. READING identifies the settings that the list is read with, and PROTECTION the protected hosts:
// under other settings or with other protected hosts, the same bytes are other entries.

/// `-READING+PROTECTION`, without the plus sign and what follows it if there is no file of protected hosts.
std::string reading_mark(const config::ListSettings& list, const std::filesystem::path& protected_hosts);

/// Whether two digests have the same READING. If so, one list may not be older than the other: other
/// protected hosts do not make it another list.
bool same_reading(std::string_view digest, std::string_view other);

}  // namespace weir::control
