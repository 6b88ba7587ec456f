#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

/// `bytes` in base64 (RFC 4648, section 4), padded, on one line.
std::string encode_base64(std::string_view bytes);

/// The bytes that `text` encodes (RFC 4648, section 4). None unless the text is canonical: padded, without
/// white space, unused bits zero.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace weir::storage
