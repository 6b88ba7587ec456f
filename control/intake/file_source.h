#pragma once

#include <string>
#include <string_view>

#include "control/intake/fetcher.h"

namespace weir::control {

/// The path of a `file:///path` URL, percent-decoded once (RFC 8089).
std::string file_of(std::string_view url);

/// Reads a file. Refuses one that changes meanwhile: half an entry could block a whole host. Error codes:
/// fetch_io, fetch_too_large, fetch_changing.
base::Result<Fetched> fetch_file(const FetchRequest& request, ResponseInfo& response);

}  // namespace weir::control
