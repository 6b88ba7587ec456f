#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "control/formats/entry_sink.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// What a list says of itself beside its entries.
struct ListFacts {
  std::optional<std::string> token;     // at delta.token, of the format json with delta.url
  std::optional<std::uint64_t> serial;  // of the format json, where json.serial names one; of rpz, its SOA's
};

/// Reads a list in the format of `settings`, packed with gzip or not, and keeps no more of it than a record.
/// What cannot be read as an entry goes to `sink.refused`, the rest to `sink.rule`. Whatever makes the list
/// as a whole doubtful is an error (then the sink has had a part of it): parse_gzip, parse_truncated,
/// parse_too_large, parse_html (a page took the list's place), parse_header, parse_quote, parse_json,
/// parse_zone. Messages name the line and never repeat what stands there.
base::Result<ListFacts> read_list(const config::ListSettings& settings, std::string_view bytes,
                                  rules::EntryParser& parser, const EntrySink& sink);

}  // namespace weir::formats
