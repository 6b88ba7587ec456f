#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "control/formats/entry_sink.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// Whether `text` is a valid token: 1 to 1024 printable ASCII characters, no space.
bool is_token(std::string_view text) noexcept;

/// Where the changes go, in the order of the document.
struct DeltaSink {
  EntrySink added;
  EntrySink removed;
};

/// What changes say about themselves.
struct DeltaFacts {
  std::optional<std::string> since;     // the token that they start at; format json need not say
  std::string token;                    // the token that they lead to
  std::optional<std::uint64_t> serial;  // json.serial
};

/// Reads the changes of a feed since a token. For the format json: a document with the token at delta.token
/// and arrays at delta.added and delta.removed. For other formats, lines:
///
///     since TOKEN
///     token TOKEN
///     +ENTRY          (any number of these two; entries as in the format plain)
///     -ENTRY
///     end
///
/// Blank lines and lines that start with `#` are skipped. Error codes: parse_delta, and those of read_list().
/// Messages name the line and never quote it.
base::Result<DeltaFacts> read_delta(const config::ListSettings& settings, std::string_view bytes,
                                    rules::EntryParser& parser, const DeltaSink& sink);

}  // namespace weir::formats
