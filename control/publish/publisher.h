#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/lists/stage_times.h"
#include "control/lists/store.h"
#include "control/publish/compiler.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/view.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The result of publishing a draft.
struct PublishResult {
  enum class State : std::uint8_t {
    active,      // the generation is in force
    not_active,  // it is committed, but the dataplane has not taken it yet; reconcile() offers it again
    incomplete,  // not made: entries are missing until their feeds are fetched
    failed,      // not made
  };
  State state = State::failed;
  base::Generation generation;       // if it was made
  std::optional<base::Error> error;  // unless it is active

  [[nodiscard]] bool is_made() const noexcept { return state == State::active || state == State::not_active; }
};

/// Turns a State into the next generation: compiles it, writes it, passes it to the dataplane, commits it.
/// All or nothing: after an error the last good generation stays, in memory, on disk and in the dataplane.
/// For one thread at a time; view() is thread-safe.
class Publisher {
 public:
  Publisher(const config::Settings& settings, Store store, DataplaneLink& link);

  /// Loads the last good state and adapts it to the configuration. Makes a new generation only if that
  /// changes something. Error codes: those of publish().
  base::Status start(StageTimes& times);

  [[nodiscard]] std::shared_ptr<const View> view() const;
  [[nodiscard]] const LoadedState& current() const noexcept { return current_; }
  /// Whether the settings require a generation that could not be made yet.
  [[nodiscard]] bool owes_generation() const noexcept { return owes_generation_; }
  [[nodiscard]] const Store& store() const noexcept { return store_; }

  /// Error codes: io, lists_incomplete (with State::incomplete), and those with which the dataplane refuses a
  /// snapshot.
  PublishResult publish(LoadedState draft, StageTimes& times);
  /// Adopts a draft without making a generation: it changes nothing that is enforced (times of attempts,
  /// validators, contents that have to wait).
  base::Status keep(LoadedState draft);
  /// Brings the dataplane to the current generation if it has another one.
  base::Status reconcile(StageTimes& times);

  /// Changes the health of a list and shows it in view().
  void set_health(std::size_t list, const std::function<void(ListHealth&)>& change);

 private:
  /// The dataplane's answer to a snapshot.
  struct Push {
    enum class State : std::uint8_t {
      taken,
      later,    // it does not answer, or is busy: it may take the same snapshot later
      stale,    // it has a newer generation
      no_base,  // it needs the base of this overlay as well
      refused,
    };
    State state = State::refused;
    std::optional<base::Error> error;  // unless taken
  };
  struct Attempt {
    PublishResult result;
    bool is_stale = false;  // failed because the dataplane has a newer generation
  };

  [[nodiscard]] std::optional<std::string> canary() const;
  LoadedState fit_to_settings(LoadedState loaded) const;
  base::Status load_snapshot();
  Attempt publish_once(LoadedState draft, StageTimes& times);
  base::Status write_contents(const LoadedState& draft) const;
  [[nodiscard]] base::Result<std::vector<std::byte>> read_snapshot(base::Generation generation) const;
  [[nodiscard]] Push push(const State& state, StageTimes& times) const;
  [[nodiscard]] Push offer(const State& state, std::span<const int> descriptors) const;
  base::Status rewrite_snapshots() const;
  void adopt(LoadedState draft, SnapshotPtr snapshot);
  void note_push(const Push& push);
  void show();
  [[nodiscard]] std::vector<std::string> missing_feeds(const LoadedState& draft) const;

  const config::Settings& settings_;
  const Store store_;
  DataplaneLink& link_;
  LoadedState current_;
  std::vector<ListHealth> health_;
  SnapshotPtr snapshot_;
  std::optional<base::Error> publish_error_;
  bool awaits_dataplane_ = false;
  base::Generation floor_;  // the next generation must be above
  bool orphaned_ = false;   // the state of the snapshots in force was lost
  bool owes_generation_ = false;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<View>();
};

}  // namespace weir::control
