#pragma once

#include <string_view>

#include "dataplane/base/result.h"

namespace weir::control {

/// Checks `bytes` against a file of SHA-256 digests: the output of sha256sum, with or without `--tag`, or a
/// digest alone. If there are several lines, the one for the file `name` is used. Error codes:
/// verify_digest_file (no digest for the list), verify_digest (it does not match).
base::Status verify_sha256(std::string_view bytes, std::string_view digest_file, std::string_view name);

}  // namespace weir::control
