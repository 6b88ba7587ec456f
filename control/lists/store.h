#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/lists/edition.h"
#include "control/lists/rule_set.h"
#include "control/storage/entry_storage.h"
#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What is kept about an entry that an operator made.
struct ManualNote {
  std::uint32_t uid = 0;
  std::int64_t added_unix_seconds = 0;
  std::int64_t expires_unix_seconds = 0;  // 0: never
  std::string comment;
};

/// The entries of one list at one time. Never changed once stored; `serial` names it on disk.
struct ListContent {
  std::uint64_t serial = 0;
  RuleSet rules;
  std::vector<ManualNote> notes;  // of manual lists, one for each rule; empty for feeds
  /// Not null where only fingerprints were kept: `rules` has one in the place of each entry's host, made with
  /// this key, and neither path nor query. Ids, kinds and actions are as ever; nothing can be compiled from
  /// it.
  std::shared_ptr<const storage::EntryKey> fingerprints;
};

/// The fingerprints of `rules`, with their ids.
RuleSet fingerprints_of(const RuleSet& rules, const storage::EntryKey& key);

/// One list in a State: how it is compiled, which content it has, and where that came from.
struct ListState {
  std::string name;
  config::ListType type = config::ListType::feed;
  bool subdomains = false;
  bool www_equivalent = false;
  bool block_host_on_tls = false;
  std::uint64_t content = 0;  // serial; 0: none yet
  std::uint64_t entries = 0;
  std::uint64_t duplicates = 0;
  std::string source;         // digest of the feed's URL: of another URL, the validators mean nothing
  std::string source_digest;  // of the bytes that were fetched last and found good
  std::string etag;
  std::string last_modified;
  Edition edition;  // of the content that was fetched last and found good
  std::string
      token;  // that the content stands for at its source; empty: none, or another content is in force
  std::int64_t last_full_unix_seconds = 0;  // when it came whole and not by changes
  std::int64_t last_attempt_unix_seconds = 0;
  std::int64_t last_success_unix_seconds = 0;
};

/// Everything that a generation is made of.
struct State {
  base::Generation generation;
  std::int64_t created_unix_seconds = 0;
  std::uint32_t next_rule = 1;
  std::uint64_t next_content = 1;
  base::Generation base;         // whose snapshot file holds the feeds; 0: this generation's own
  std::string base_recipe;       // what that file is made of
  std::string canary;            // the host that the self-test asks for; empty: none is compiled
  std::vector<ListState> lists;  // order: precedence
};

using ContentPtr = std::shared_ptr<const ListContent>;

/// A State with the contents that it names, one for each of its lists (null where there is none yet).
struct LoadedState {
  State state;
  std::vector<ContentPtr> contents;
};

/// The state directory and the snapshot directory. Every file is written whole or not at all:
///
///     STATE/state                       the current State (sealed JSON)
///     STATE/generations/<20 digits>     the State of each generation that can be rolled back to
///     STATE/lists/<20 digits>           ListContents by serial (encrypted, sealed, or sealed fingerprints)
///     SNAPSHOTS/<20 digits>.snapshot    what the dataplane loads
///
/// Used by one thread. Error codes: io, damaged, not_found, state_in_use.
class Store {
 public:
  /// Lists that are kept in another way than `storage` says are written again. Error codes also: wrong_key (a
  /// list is encrypted under another key than the one at hand: nothing is touched).
  static base::Result<Store> open(std::filesystem::path state_dir, std::filesystem::path snapshot_dir,
                                  storage::EntryStorage storage = {});

  /// The last good state: `state`, or, when that is missing or damaged, the newest generation that is whole.
  /// A fresh State when there is none. `remarks` gets a sentence for everything that was damaged.
  [[nodiscard]] LoadedState load(std::vector<std::string>& remarks) const;
  [[nodiscard]] base::Result<LoadedState> load_generation(base::Generation generation) const;
  /// The State of a kept generation, without its contents. From any thread.
  [[nodiscard]] base::Result<State> read_state(base::Generation generation) const;

  base::Status write_snapshot(base::Generation generation, std::span<const std::byte> bytes) const;
  [[nodiscard]] base::Result<base::FileDescriptor> open_snapshot(base::Generation generation) const;
  [[nodiscard]] base::Result<std::string> read_snapshot(base::Generation generation) const;
  void remove_snapshot(base::Generation generation) const;

  base::Status write_content(const ListContent& content) const;
  /// Makes `state` the current one; with `as_generation` also one to roll back to.
  base::Status commit(const State& state, bool as_generation) const;

  /// Kept generations, newest first.
  [[nodiscard]] std::vector<base::Generation> generations() const;
  /// The highest generation of which there is a snapshot file or a State, whole or not.
  [[nodiscard]] base::Generation highest_generation() const;
  /// Removes all but the newest `keep` generations, and contents that no kept one names.
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
  [[nodiscard]] base::Result<ContentPtr> load_content(std::uint64_t serial) const;

  std::filesystem::path state_dir_;
  std::filesystem::path snapshot_dir_;
  storage::EntryStorage storage_;
  base::FileDescriptor lock_;  // held for as long as the daemon lives: one writer
};

}  // namespace weir::control
