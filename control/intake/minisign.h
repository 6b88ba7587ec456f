#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::control {

/// What a signature says of the moment and the place in the order of the lists, in its trusted comment: the
/// words `timestamp:N` (which minisign writes by itself) and `serial:N`.
struct TrustedComment {
  std::optional<std::uint64_t> timestamp;
  std::optional<std::uint64_t> serial;
};

/// Whether `text` can be a minisign public key: the second line of its file, `RW...`.
bool is_minisign_key(std::string_view text);

/// Checks a file of minisign (jedisct1.github.io/minisign, "Signature format") over `bytes`: of the key
/// `key`, legacy or prehashed, with its trusted comment. Error codes: verify_key, verify_signature_file (none
/// of minisign's), verify_signature (another key's, or of something else).
base::Result<TrustedComment> verify_minisign(std::string_view bytes, std::string_view signature_file,
                                             std::string_view key);

}  // namespace weir::control
