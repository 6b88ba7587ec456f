#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/lists/refused_lines.h"
#include "control/lists/stage_times.h"
#include "control/lists/store.h"
#include "control/publish/compiler.h"
#include "control/publish/dataplane_link.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// How a list fared lately; not kept over restarts.
struct ListHealth {
  RefusedLines refused;                         // of the content that was loaded last
  std::optional<base::Error> delta_error;       // why the last list came whole where changes would have done
  std::map<std::string, std::uint64_t> deltas;  // by what became of them: applied | expired | refused
  std::optional<base::Error> error;             // of the last attempt; none: it went well
  std::string error_stage;                      // fetch | parse | guard | publish
  std::int64_t last_attempt_unix_seconds = 0;   // 0: none since the start
  std::map<std::string, std::uint64_t> errors_by_stage;
};

/// All that readers need, unchanged once they have it.
struct View {
  State state;
  std::vector<ContentPtr> contents;
  std::vector<ListHealth> health;
  SnapshotPtr snapshot;                      // null before the first generation
  std::optional<base::Error> publish_error;  // why the generation is not in force, or the last one failed
  bool feeds_by_id_alone = false;            // no answer may have the text of a feed's entries

  /// Whether answers may go by the text of a list's entries.
  [[nodiscard]] bool has_text(std::size_t list) const {
    return contents[list] != nullptr && contents[list]->fingerprints == nullptr &&
           !(feeds_by_id_alone && state.lists[list].type == config::ListType::feed);
  }
};

/// What publishing came to. Built and on disk in any case; `not_active` says why it is not in force.
struct Published {
  base::Generation generation;
  std::optional<base::Error> not_active;
};

/// Turns a State into the next generation: compile, write, hand to the dataplane, commit. All or nothing: on
/// an error the last good generation stays, in memory, on disk and in the dataplane. Used by one thread at a
/// time; view() by any.
class Publisher {
 public:
  Publisher(const config::Settings& settings, Store store, DataplaneLink& link);

  /// Loads the last good state and fits it to the configuration. Makes a new generation only if something
  /// differs. Error codes: those of publish().
  base::Status start(StageTimes& times);

  [[nodiscard]] std::shared_ptr<const View> view() const;
  [[nodiscard]] const LoadedState& current() const noexcept { return current_; }
  /// The settings ask for another generation than the current one, and it could not be made yet.
  [[nodiscard]] bool owes_generation() const noexcept { return owes_generation_; }
  [[nodiscard]] const Store& store() const noexcept { return store_; }

  /// Error codes: io, lists_incomplete (the state was lost: until each feed is there again, the dataplane
  /// keeps what it has), and those with which the dataplane refuses a snapshot.
  base::Result<Published> publish(LoadedState draft, StageTimes& times);
  /// Takes over a draft that changes nothing of what is enforced (times of attempts, validators, contents
  /// that must wait).
  base::Status keep(LoadedState draft);
  /// Sees to it that the dataplane has the current generation.
  base::Status reconcile(StageTimes& times);

  /// Whether an error with which the dataplane answered leaves it open that it takes the same snapshot later.
  [[nodiscard]] static bool may_pass_later(const base::Error& error);

  /// Changes how a list fared and shows it.
  void set_health(std::size_t list, const std::function<void(ListHealth&)>& change);

 private:
  [[nodiscard]] std::string canary() const;
  LoadedState fit_to_settings(LoadedState loaded) const;
  base::Status load_snapshot();
  base::Result<Published> publish_once(LoadedState draft, StageTimes& times);
  base::Status write_contents(const LoadedState& draft) const;
  [[nodiscard]] base::Result<std::vector<std::byte>> read_snapshot(base::Generation generation) const;
  base::Status push(const State& state, StageTimes& times) const;
  base::Status rewrite_snapshots() const;
  void adopt(LoadedState draft, SnapshotPtr snapshot);
  void show();
  [[nodiscard]] std::string missing_feeds(const LoadedState& draft) const;

  const config::Settings& settings_;
  const Store store_;
  DataplaneLink& link_;
  LoadedState current_;
  std::vector<ListHealth> health_;
  SnapshotPtr snapshot_;
  std::optional<base::Error> publish_error_;
  base::Generation floor_;  // the next generation must be above
  bool orphaned_ = false;   // snapshots are in force whose state was lost
  bool owes_generation_ = false;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<View>();
};

}  // namespace weir::control
