#pragma once

#include <optional>
#include <string>

namespace weir::control {

/// What a server said about the version of a list, for conditional requests (RFC 9110, section 13.1).
struct Validators {
  std::optional<std::string> etag;
  std::optional<std::string> last_modified;
};

/// What a feed's content was fetched as: how to recognise it when it is fetched again.
struct FetchRecord {
  Validators validators;
  std::string digest;  // see intake/source_digest.h
};

}  // namespace weir::control
