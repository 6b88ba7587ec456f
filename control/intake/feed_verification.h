#pragma once

#include <atomic>
#include <string_view>

#include "config/settings.h"
#include "control/lists/edition.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Whether two URLs have the same scheme, host and port.
bool same_origin(std::string_view url, std::string_view other);

/// Fetches the digest or signature that `list.verify` asks for and checks `bytes`, the content of the list.
/// Returns what the signature says about the edition. Error codes: those of fetch(), verify_sha256() and
/// verify_minisign().
base::Result<Edition> verify_feed(const config::ListSettings& list, std::string_view bytes,
                                  const std::atomic<bool>& stop);

/// Checks that a list is not older than an earlier one: each serial or time that the earlier edition has must
/// be there and must not be lower. Serials of the format rpz wrap around (RFC 1982). Error code: guard_older.
base::Status check_not_older(const config::ListSettings& list, const Edition& fresh, const Edition& earlier);

}  // namespace weir::control
