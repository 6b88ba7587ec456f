#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/formats/block_source.h"
#include "control/formats/entry_sink.h"
#include "control/formats/list_facts.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// An array of entries in a JSON document.
struct JsonEntries {
  std::string name;     // the setting, for messages
  std::string pointer;  // to the array
  std::string item;     // from an item of it to the entry
  EntrySink sink;       // must outlive the call
};

/// A string or a number in a JSON document.
struct JsonValue {
  std::string pointer;
  std::optional<std::string> text;      // if found; a number as its digits
  std::optional<std::uint64_t> number;  // if found and it is a number
};

/// Reads a JSON document (RFC 8259). Each of the arrays must be there exactly once; the values are optional.
/// Pointers are JSON pointers (RFC 6901). Refuses items without an entry. Error codes: parse_html,
/// parse_json, parse_truncated, and those of the source.
base::Status read_json_document(BlockSource& source, rules::EntryParser& parser,
                                const std::vector<JsonEntries>& entries, std::vector<JsonValue>& values);

/// Reads a whole list of the format `json`.
ReadFormat read_json;

}  // namespace weir::formats
