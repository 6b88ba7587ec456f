#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The steps that a list goes through on its way into force.
enum class Stage : std::uint8_t { fetch, verify, parse, guard, compile, publish, activate };

/// The name is the label `stage` of the metrics and the `stage` in `weirctl lists`.
struct StageRow {
  Stage value;
  std::string_view name;
  std::string_view help;
  bool counts_list_errors;  // weir_list_errors_total has a series for it
};

inline constexpr auto kStages = std::to_array<StageRow>({
    {Stage::fetch, "fetch", "getting the list from its source", true},
    {Stage::verify, "verify", "checking its digest or signature", true},
    {Stage::parse, "parse", "reading its entries", true},
    {Stage::guard, "guard", "holding it to its guards and giving its entries their ids", true},
    {Stage::compile, "compile", "building the snapshot", false},
    {Stage::publish, "publish", "writing the lists, the snapshot and the state to disk", true},
    {Stage::activate, "activate", "passing the snapshot to the dataplane", false},
});

static_assert(base::has_one_row_each<kStages, &StageRow::value>(),
              "kStages: one row for each Stage, in the order of the enum");

constexpr const StageRow& row_of(Stage stage) noexcept { return kStages[base::index_of(stage)]; }
constexpr std::string_view to_string(Stage stage) noexcept { return row_of(stage).name; }

/// Which step failed, and why.
struct StageFailure {
  Stage stage = Stage::fetch;
  base::Error error;
};

}  // namespace weir::control
