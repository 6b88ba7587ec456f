#include "control/formats/list_reader.h"

#include <array>
#include <cstddef>

#include "control/formats/block_source.h"
#include "control/formats/csv_reader.h"
#include "control/formats/hosts_reader.h"
#include "control/formats/json_reader.h"
#include "control/formats/plain_reader.h"
#include "control/formats/rpz_reader.h"
#include "dataplane/base/enum_rows.h"

namespace weir::formats {
namespace {

using config::ListFormat;

/// A new format is a value of config::ListFormat with its row in config/choices.h, a reader, and a row here.
struct FormatRow {
  ListFormat value;
  ReadFormat* read;
  bool serial_wraps = false;
  bool has_token_within = false;
};

constexpr std::array<FormatRow, 5> kFormats{{
    {.value = ListFormat::plain, .read = &read_plain},
    {.value = ListFormat::csv, .read = &read_csv},
    {.value = ListFormat::json, .read = &read_json, .has_token_within = true},
    {.value = ListFormat::hosts, .read = &read_hosts},
    {.value = ListFormat::rpz, .read = &read_rpz, .serial_wraps = true},
}};

static_assert(base::covers_every_value<kFormats, &FormatRow::value>(),
              "kFormats: one row for each ListFormat, in the order of the enum");

const FormatRow& row_of(ListFormat format) noexcept { return kFormats[base::index_of(format)]; }

}  // namespace

base::Result<ListFacts> read_list(const config::ListSettings& settings, std::string_view bytes,
                                  rules::EntryParser& parser, const EntrySink& sink) {
  const auto source = open_blocks(bytes, settings.max_bytes);
  return row_of(settings.format).read(settings, *source, parser, sink);
}

bool serial_wraps(ListFormat format) noexcept { return row_of(format).serial_wraps; }
bool has_token_within(ListFormat format) noexcept { return row_of(format).has_token_within; }

}  // namespace weir::formats
