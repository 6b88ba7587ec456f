#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/formats/block_source.h"
#include "control/formats/entry_sink.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// An array of entries in a document.
struct JsonEntries {
  std::string name;     // of the setting, for messages
  std::string pointer;  // to the array
  std::string item;     // from an item of it to the entry
  EntrySink sink;       // outlives the reading
};

/// A text or a number in a document.
struct JsonValue {
  std::string pointer;
  std::optional<std::string> text;      // found; of a number its digits
  std::optional<std::uint64_t> number;  // found, and no text
};

/// Reads a document (RFC 8259) with such arrays, each of which must be there once, and values, which need
/// not. All pointers are JSON pointers (RFC 6901). An item without an entry is refused, anything that is no
/// JSON makes the document an error: parse_html, parse_json, or what the source gives.
base::Status read_json_document(BlockSource& source, rules::EntryParser& parser,
                                const std::vector<JsonEntries>& entries, std::vector<JsonValue>& values);

}  // namespace weir::formats
