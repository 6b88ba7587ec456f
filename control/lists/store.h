#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/lists/state.h"
#include "control/storage/entry_storage.h"
#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The state directory and the snapshot directory. Files are replaced atomically:
///
///     STATE/state                       the current State (sealed JSON)
///     STATE/generations/<20 digits>     the State of each generation that can be rolled back to
///     STATE/lists/<20 digits>           each ListContent, by serial (encrypted, sealed, or sealed
///     fingerprints) SNAPSHOTS/<20 digits>.snapshot    what the dataplane loads
///
/// For one thread, unless a function says otherwise. Error codes: io, damaged, not_found, state_in_use.
class Store {
 public:
  /// Opens both directories and creates them if needed. Rewrites lists that are not stored as `storage` says.
  /// Error codes also: wrong_key (a list is encrypted with another key; nothing is changed).
  static base::Result<Store> open(std::filesystem::path state_dir, std::filesystem::path snapshot_dir,
                                  storage::EntryStorage storage = {});

  /// The last good state: `state` or, if that is missing or damaged, the newest undamaged generation. A fresh
  /// State if there is none. Adds a sentence to `remarks` for everything that is damaged.
  [[nodiscard]] LoadedState load(std::vector<std::string>& remarks) const;
  [[nodiscard]] base::Result<LoadedState> load_generation(base::Generation generation) const;
  /// Whether the State of this generation is kept.
  [[nodiscard]] bool has_generation(base::Generation generation) const;
  /// The State of a kept generation, without its contents. Thread-safe.
  [[nodiscard]] base::Result<State> read_state(base::Generation generation) const;

  base::Status write_snapshot(base::Generation generation, std::span<const std::byte> bytes) const;
  [[nodiscard]] base::Result<base::FileDescriptor> open_snapshot(base::Generation generation) const;
  [[nodiscard]] base::Result<std::string> read_snapshot(base::Generation generation) const;
  void remove_snapshot(base::Generation generation) const;

  base::Status write_content(const ListContent& content) const;
  /// Makes `state` the current one. With `as_generation`, also keeps it to roll back to.
  base::Status commit(const State& state, bool as_generation) const;

  /// Kept generations, newest first.
  [[nodiscard]] std::vector<base::Generation> generations() const;
  /// The highest generation that has a snapshot file or a State, damaged or not.
  [[nodiscard]] base::Generation highest_generation() const;
  /// Removes all but the newest `keep` generations, and the contents that none of them names.
  void prune(std::size_t keep, const State& current) const;

 private:
  Store(std::filesystem::path state_dir, std::filesystem::path snapshot_dir, storage::EntryStorage storage,
        base::FileDescriptor lock)
      : state_dir_(std::move(state_dir)),
        snapshot_dir_(std::move(snapshot_dir)),
        storage_(std::move(storage)),
        lock_(std::move(lock)) {}
  [[nodiscard]] base::Status check_keys() const;
  base::Status convert_contents() const;
  [[nodiscard]] base::Result<std::string> content_file(const ListContent& content) const;

  [[nodiscard]] std::filesystem::path content_path(std::uint64_t serial) const;
  [[nodiscard]] std::filesystem::path generation_path(base::Generation generation) const;
  [[nodiscard]] std::filesystem::path snapshot_path(base::Generation generation) const;
  [[nodiscard]] static base::Result<State> read_state_file(const std::filesystem::path& path);
  [[nodiscard]] base::Result<LoadedState> load_file(const std::filesystem::path& path) const;
  [[nodiscard]] std::map<std::uint64_t, ContentKind> kinds_of_contents() const;
  [[nodiscard]] base::Result<ContentPtr> load_content(std::uint64_t serial,
                                                      std::optional<ContentKind> kind) const;

  std::filesystem::path state_dir_;
  std::filesystem::path snapshot_dir_;
  storage::EntryStorage storage_;
  base::FileDescriptor lock_;  // held while the daemon runs: one writer
};

}  // namespace weir::control
