#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::control {

/// The result of asking a feed for its changes. The name is the label `result` of weir_list_deltas_total.
enum class DeltaResult : std::uint8_t { applied, expired, refused };

struct DeltaResultRow {
  DeltaResult value;
  std::string_view name;
};
inline constexpr std::array<DeltaResultRow, 3> kDeltaResults{{
    {DeltaResult::applied, "applied"},
    {DeltaResult::expired, "expired"},
    {DeltaResult::refused, "refused"},
}};
static_assert(kDeltaResults[0].value == DeltaResult{0} && kDeltaResults[1].value == DeltaResult{1} &&
              kDeltaResults[2].value == DeltaResult{2});

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
