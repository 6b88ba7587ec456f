#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::control {

/// When a list was signed and its serial number, from the words `timestamp:N` (which minisign writes by
/// default) and `serial:N` of the trusted comment.
struct TrustedComment {
  std::optional<std::uint64_t> timestamp;
  std::optional<std::uint64_t> serial;
};

/// Whether `text` is a minisign public key: the second line of a key file, `RW...`.
bool is_minisign_key(std::string_view text);

/// Checks a minisign signature file (jedisct1.github.io/minisign, "Signature format"), legacy or prehashed,
/// against `bytes` and `key`, including its trusted comment. Error codes: verify_key, verify_signature_file
/// (malformed), verify_signature (it does not match).
base::Result<TrustedComment> verify_minisign(std::string_view bytes, std::string_view signature_file,
                                             std::string_view key);

}  // namespace weir::control
