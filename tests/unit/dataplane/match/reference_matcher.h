#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/match/lookup.h"
#include "dataplane/rules/rule.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::match {

/// A request in its canonical parts.
struct ReferenceRequest {
  std::string host;
  bool host_is_address = false;
  std::string path;
  std::string query;
  std::optional<std::uint16_t> written_port;
  std::uint16_t connection_port = 0;
  bool encrypted = false;
};

/// The matching rules as specified: compares strings, one rule after the other. It is slow, and independent
/// of fingerprints, tables and reductions.
Match reference_lookup(const std::vector<rules::ListPolicy>& lists, const std::vector<rules::Rule>& rules,
                       const ReferenceRequest& request);

}  // namespace weir::match
