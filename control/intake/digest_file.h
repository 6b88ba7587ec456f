#pragma once

#include <string_view>

#include "dataplane/base/result.h"

namespace weir::control {

/// Checks `bytes` against a file of SHA-256 digests, as sha256sum writes it (or its `--tag`, or a digest
/// alone). Of several lines the one that names `name` counts. Error codes: verify_digest_file (no digest for
/// the list), verify_digest (of something else).
base::Status verify_sha256(std::string_view bytes, std::string_view digest_file, std::string_view name);

}  // namespace weir::control
