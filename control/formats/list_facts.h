#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings.h"
#include "control/formats/block_source.h"
#include "control/formats/entry_sink.h"
#include "dataplane/base/result.h"
#include "dataplane/rules/rule.h"

namespace weir::formats {

/// What a list says about itself besides its entries.
struct ListFacts {
  std::optional<std::string> token;  // format json: the value at delta.token, if delta.url is set
  std::optional<std::uint64_t>
      serial;  // format json: the value at json.serial, if set; format rpz: of the SOA
};

/// Reads a list of one format from `source`. See read_list() for the contract.
using ReadFormat = base::Result<ListFacts>(const config::ListSettings& settings, BlockSource& source,
                                           rules::EntryParser& parser, const EntrySink& sink);

}  // namespace weir::formats
