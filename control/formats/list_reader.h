#pragma once

#include <string_view>

#include "config/settings.h"
#include "control/formats/entry_sink.h"
#include "control/formats/list_facts.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// Reads a list in the format of `settings`, gzipped or not, keeping no more than one record in memory.
/// Entries go to `sink.rule`, records that are not valid entries to `sink.refused`. An error means that the
/// list as a whole cannot be trusted; the sink may have got part of it: parse_gzip, parse_truncated,
/// parse_too_large, parse_html (a web page instead of a list), parse_header, parse_quote, parse_json,
/// parse_zone. Messages name the line and never quote it.
base::Result<ListFacts> read_list(const config::ListSettings& settings, std::string_view bytes,
                                  rules::EntryParser& parser, const EntrySink& sink);

/// Whether the serial numbers of a format wrap around (RFC 1982).
bool serial_wraps(config::ListFormat format) noexcept;
/// Whether the token for changes is in the list itself. Otherwise it is in a response header.
bool has_token_within(config::ListFormat format) noexcept;

}  // namespace weir::formats
