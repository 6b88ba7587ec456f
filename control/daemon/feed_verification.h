#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"

namespace weir::control {

/// Where a list stands in the order of those that its source gave out. What it does not say is none.
struct Edition {
  std::optional<std::uint64_t> serial;         // the list's own
  std::optional<std::uint64_t> signed_serial;  // of its signature's trusted comment
  std::optional<std::uint64_t> signed_unix_seconds;
};

/// Whether two URLs have the same scheme, host and port.
bool same_origin(std::string_view url, std::string_view other);

/// Fetches the digest or signature that `list.verify` asks for and checks `bytes`, which came from the list's
/// URL; gives what the signature says of the edition. Error codes: those of fetch(), of
/// feeds::verify_sha256() and of feeds::verify_minisign().
base::Result<Edition> verify_feed(const config::ListSettings& list, std::string_view bytes,
                                  const std::atomic<bool>& stop);

/// Whether a list may take the place of an earlier one, by their editions: none of what the earlier one said
/// may be older or missing. Serials of rpz are compared as RFC 1982 does. Error code: guard_older.
base::Status check_not_older(const config::ListSettings& list, const Edition& fresh, const Edition& earlier);

}  // namespace weir::control
