#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/enum_rows.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The result of asking a feed for its changes. The name is the label `result` of weir_list_deltas_total.
enum class DeltaResult : std::uint8_t { applied, expired, refused };

inline constexpr auto kDeltaResults = std::to_array<base::EnumRow<DeltaResult>>({
    {DeltaResult::applied, "applied", "the changes were applied"},
    {DeltaResult::expired, "expired", "the server has no changes since the token"},
    {DeltaResult::refused, "refused", "the changes could not be used"},
});
static_assert(base::names_every_value<kDeltaResults>(),
              "kDeltaResults: one row for each DeltaResult, in the order of the enum");

/// Why a feed was fetched whole although it is set up for changes.
struct DeltaProblem {
  enum class Kind : std::uint8_t {
    expired,   // the server has no changes since our token; this is normal
    refused,   // the changes could not be used
    no_token,  // the list came without a usable token, so there is nothing to ask for changes with
  };
  Kind kind = Kind::refused;
  base::Error error;
};

}  // namespace weir::control
