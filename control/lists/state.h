#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/lists/edition.h"
#include "control/lists/fetch_record.h"
#include "control/lists/rule_set.h"
#include "control/storage/entry_key.h"
#include "dataplane/base/ids.h"

namespace weir::control {

/// What is stored with an entry that an operator added.
struct ManualNote {
  std::uint32_t uid = 0;
  std::int64_t added_unix_seconds = 0;
  std::optional<std::int64_t> expires_unix_seconds;  // none: never
  std::string comment;
};

/// Who writes the entries of a list.
enum class ContentKind : std::uint8_t { feed, manual };

constexpr ContentKind kind_of(config::ListType type) noexcept {
  return type == config::ListType::manual ? ContentKind::manual : ContentKind::feed;
}

/// What a content has of its entries.
enum class EntryForm : std::uint8_t {
  text,
  fingerprints,  // `control.entries.at_rest: none`: nothing can be compiled from it
};

/// The entries of one list at one time. Immutable once stored; `serial` names it on disk.
struct ListContent {
  std::uint64_t serial = 0;
  ContentKind kind = ContentKind::feed;
  EntryForm form = EntryForm::text;
  /// With EntryForm::fingerprints, the host of each rule is the entry's fingerprint, and path and query are
  /// empty. Ids, kinds and actions are the entry's own.
  RuleSet rules;
  std::vector<ManualNote> notes;                             // manual: one for each rule; feed: none
  std::shared_ptr<const storage::EntryKey> fingerprint_key;  // with EntryForm::fingerprints
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
  std::string source;                  // digest of the feed's URL: what follows is valid for this URL only
  std::optional<FetchRecord> fetched;  // the last fetch that succeeded
  Edition edition;                     // of the last fetch that succeeded
  std::optional<std::string> token;    // the source's token for exactly this content; asks for changes since
  std::int64_t last_full_unix_seconds = 0;  // last fetch of the whole list
  std::int64_t last_attempt_unix_seconds = 0;
  std::int64_t last_success_unix_seconds = 0;
};

/// Everything that a generation is made of.
struct State {
  base::Generation generation;
  std::int64_t created_unix_seconds = 0;
  std::uint32_t next_rule = 1;
  std::uint64_t next_content = 1;
  std::optional<base::Generation> base;  // whose snapshot file holds the feeds; none: this generation's own
  std::string base_recipe;               // identifies what that file was compiled from
  std::optional<std::string> canary;     // the host that the self-test asks for; none: none is compiled
  std::vector<ListState> lists;          // in order of precedence
};

using ContentPtr = std::shared_ptr<const ListContent>;

/// A State and the contents that it names, one for each of its lists (null: none yet).
struct LoadedState {
  State state;
  std::vector<ContentPtr> contents;
};

}  // namespace weir::control
