#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

/// What `text` stands for in base64 (RFC 4648, 4); none unless it is written exactly so: with its padding,
/// without white space, and with no bits left over.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace weir::storage
