#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "config/settings.h"
#include "feeds/block_source.h"
#include "feeds/entry_sink.h"

namespace weir::feeds {

/// Reads the profile `json`: a document (RFC 8259) in which the JSON pointer (RFC 6901) json.entries leads to
/// an array, and json.url from an item of it to the entry; `serial` gets the number at json.serial. An item
/// without an entry is refused, anything that is no JSON makes the list an error: parse_html, parse_json, or
/// what the source gives.
base::Status read_json(const config::JsonSettings& settings, BlockSource& source, match::EntryParser& parser,
                       const EntrySink& sink, std::optional<std::uint64_t>& serial);

}  // namespace weir::feeds
