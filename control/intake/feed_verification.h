#pragma once

#include <atomic>
#include <string_view>

#include "config/settings.h"
#include "control/lists/edition.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Whether two URLs have the same scheme, host and port.
bool same_origin(std::string_view url, std::string_view other);

/// Fetches the digest or signature that `list.verify` asks for and checks `bytes`, which came from the list's
/// URL; gives what the signature says of the edition. Error codes: those of fetch(), of
/// control::verify_sha256() and of control::verify_minisign().
base::Result<Edition> verify_feed(const config::ListSettings& list, std::string_view bytes,
                                  const std::atomic<bool>& stop);

/// Whether a list may take the place of an earlier one, by their editions: none of what the earlier one said
/// may be older or missing. Serials of rpz are compared as RFC 1982 does. Error code: guard_older.
base::Status check_not_older(const config::ListSettings& list, const Edition& fresh, const Edition& earlier);

}  // namespace weir::control
