#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "control/formats/entry_sink.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// Whether a feed's token is one: 1 to 1024 printable characters of ASCII, no space among them.
bool is_token(std::string_view text) noexcept;

/// Where the changes go, in the order in which they stand there.
struct DeltaSink {
  EntrySink added;
  EntrySink removed;
};

/// What changes say of themselves.
struct DeltaFacts {
  std::string since;                    // the token that they begin at; empty: not said (json alone)
  std::string token;                    // the one that they lead to
  std::optional<std::uint64_t> serial;  // json.serial
};

/// Reads the changes of a feed since a token. For the format json a document with the token at delta.token
/// and arrays at delta.added and delta.removed; otherwise lines:
///
///     since TOKEN
///     token TOKEN
///     +ENTRY          (any number of these two; an entry as in the format plain)
///     -ENTRY
///     end
///
/// Blank lines and those that begin with `#` are passed over. Error codes: parse_delta, and those of
/// read_list(); messages name the line and never repeat it.
base::Result<DeltaFacts> read_delta(const config::ListSettings& settings, std::string_view bytes,
                                    rules::EntryParser& parser, const DeltaSink& sink);

}  // namespace weir::formats
