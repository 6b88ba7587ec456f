#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "control/lists/delta_result.h"
#include "control/lists/refused_lines.h"
#include "control/lists/stage.h"
#include "control/lists/state.h"
#include "control/publish/compiler.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// How a list has fared since the start of the daemon.
struct ListHealth {
  RefusedLines refused;                                      // of the content that was loaded last
  std::optional<DeltaProblem> delta_problem;                 // why the last fetch did not use changes
  std::array<std::uint64_t, kDeltaResults.size()> deltas{};  // by DeltaResult
  std::optional<StageFailure> failure;                       // of the last attempt; none: it succeeded
  std::optional<std::int64_t> last_attempt_unix_seconds;     // none: no attempt since the start
  std::array<std::uint64_t, kStages.size()> errors{};        // by Stage

  void count(DeltaResult result) noexcept { ++deltas[base::index_of(result)]; }
  void count(Stage stage, std::uint64_t amount) noexcept { errors[base::index_of(stage)] += amount; }
  [[nodiscard]] std::uint64_t deltas_with(DeltaResult result) const noexcept {
    return deltas[base::index_of(result)];
  }
  [[nodiscard]] std::uint64_t errors_at(Stage stage) const noexcept { return errors[base::index_of(stage)]; }
};

/// Everything that readers need: an immutable copy.
struct View {
  State state;
  std::vector<ContentPtr> contents;
  std::vector<ListHealth> health;
  SnapshotPtr snapshot;                      // null before the first generation
  std::optional<base::Error> publish_error;  // why the generation is not active, or the last one was not made
  bool awaits_dataplane = false;   // with publish_error: the dataplane may still take the generation
  bool feeds_by_id_alone = false;  // answers must not contain the text of a feed's entries

  /// Whether answers may use the text of the entries of a list.
  [[nodiscard]] bool has_text(std::size_t list) const {
    return contents[list] != nullptr && contents[list]->form == EntryForm::text &&
           !(feeds_by_id_alone && state.lists[list].type == config::ListType::feed);
  }
};

}  // namespace weir::control
