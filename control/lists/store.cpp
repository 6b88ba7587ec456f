#include "control/lists/store.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include "control/lists/state_json.h"
#include "control/storage/durable_file.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxStateBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxContentBytes = std::size_t{8} << 30;
constexpr std::size_t kNumberDigits = 20;
constexpr std::size_t kMaxHeadBytes = 256;
constexpr std::string_view kList = "list";
constexpr std::string_view kFingerprints = "fingerprints";
constexpr std::string_view kFingerprintsMark = "weir fingerprints ";
constexpr std::string_view kSnapshotSuffix = ".snapshot";

std::string numbered(std::uint64_t number) { return fmt::format("{:0{}}", number, kNumberDigits); }

/// The numbers of the files `<20 digits><suffix>` in a directory, in descending order.
std::vector<std::uint64_t> numbers_in(const std::filesystem::path& directory, std::string_view suffix) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) return numbers;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.size() != kNumberDigits + suffix.size() || !name.ends_with(suffix)) continue;
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + kNumberDigits, number);
    if (code == std::errc{} && end == name.data() + kNumberDigits) numbers.push_back(number);
  }
  std::sort(numbers.rbegin(), numbers.rend());
  return numbers;
}

}  // namespace

RuleSet fingerprints_of(const RuleSet& rules, const storage::EntryKey& key) {
  RuleSet result;
  rules::Rule rule;
  std::string text;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules.read(i, rule);
    text = rule.host;
    text.append(1, '\n').append(rule.path).append(1, '\n').append(rule.query);
    rule.host = key.fingerprint(text);
    rule.path.clear();
    rule.query.clear();
    result.append(rule);
  }
  return result;
}

base::Result<Store> Store::open(std::filesystem::path state_dir, std::filesystem::path snapshot_dir,
                                storage::EntryStorage storage) {
  for (const auto& directory : {state_dir, state_dir / "generations", state_dir / "lists"}) {
    if (auto made = storage::make_directory(directory, 0700); !made) return made.error();
  }
  if (auto made = storage::make_directory(snapshot_dir, 0750); !made) return made.error();
  const std::filesystem::path lock_path = state_dir / "lock";
  base::FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock)
    return base::Error{"io", fmt::format("cannot open {}: {}", lock_path.string(), std::strerror(errno))};
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return base::Error{"state_in_use",
                       fmt::format("{} is in use by another weir-control: stop that one first, "
                                   "or set another control.state_dir for this one",
                                   state_dir.string())};
  }
  for (const auto& directory : {state_dir, state_dir / "generations", state_dir / "lists", snapshot_dir}) {
    storage::remove_temporaries(directory);
  }
  Store store(std::move(state_dir), std::move(snapshot_dir), std::move(storage), std::move(lock));
  if (auto checked = store.check_keys(); !checked) return checked.error();
  if (auto converted = store.convert_contents(); !converted) return converted.error();
  return store;
}

base::Status Store::check_keys() const {
  for (const std::uint64_t serial : numbers_in(state_dir_ / "lists", "")) {
    const auto head = storage::read_head(content_path(serial), kMaxHeadBytes);
    const auto id = head ? storage::key_id_of(head.value()) : std::nullopt;
    if (!id || (storage_.key != nullptr && storage_.key->id() == *id)) continue;
    return base::Error{
        "wrong_key",
        fmt::format(
            "{} is encrypted with key {}, but the configured key is {}: restore that key, or move {} "
            "away to start again from the feeds (the entries of manual lists are lost); the dataplane "
            "keeps the list that it has",
            content_path(serial).string(), *id, storage_.key == nullptr ? "none" : storage_.key->id(),
            state_dir_.string())};
  }
  return base::ok_status();
}

/// After a change of the settings: rewrites each list that is not stored as they say. load() reports damaged
/// ones.
base::Status Store::convert_contents() const {
  const auto kinds = kinds_of_contents();
  for (const std::uint64_t serial : numbers_in(state_dir_ / "lists", "")) {
    const auto head = storage::read_head(content_path(serial), kMaxHeadBytes);
    if (!head) continue;
    const bool encrypted = storage::key_id_of(head.value()).has_value();
    const bool fingerprints = head.value().starts_with(kFingerprintsMark);
    const bool as_wanted = storage_.at_rest == config::AtRest::encrypted ? encrypted
                           : storage_.at_rest == config::AtRest::plain   ? !encrypted
                                                                         : false;
    if (as_wanted || fingerprints) continue;
    const auto kind = kinds.find(serial);
    const auto content =
        load_content(serial, kind == kinds.end() ? std::nullopt : std::optional(kind->second));
    if (!content) continue;
    const bool manual = content.value()->kind == ContentKind::manual;
    if (storage_.at_rest == config::AtRest::none && manual && encrypted) continue;
    if (auto written = write_content(*content.value()); !written) return written;
  }
  return base::ok_status();
}

std::filesystem::path Store::content_path(std::uint64_t serial) const {
  return state_dir_ / "lists" / numbered(serial);
}
std::filesystem::path Store::generation_path(base::Generation generation) const {
  return state_dir_ / "generations" / numbered(generation.value);
}
std::filesystem::path Store::snapshot_path(base::Generation generation) const {
  return snapshot_dir_ / (numbered(generation.value) + std::string(kSnapshotSuffix));
}

/// The kind of each content that a State names.
std::map<std::uint64_t, ContentKind> Store::kinds_of_contents() const {
  std::map<std::uint64_t, ContentKind> kinds;
  const auto add = [&kinds](const base::Result<State>& state) {
    if (!state) return;
    for (const ListState& list : state.value().lists) kinds[list.content] = kind_of(list.type);
  };
  for (const base::Generation generation : generations()) add(read_state(generation));
  add(read_state_file(state_dir_ / "state"));
  return kinds;
}

/// `kind`: what the State says. The file itself does not: without a State, a content with notes is a manual
/// list.
base::Result<ContentPtr> Store::load_content(std::uint64_t serial, std::optional<ContentKind> kind) const {
  auto file = storage::read_whole(content_path(serial), kMaxContentBytes);
  if (!file) return file.error();
  const base::Error damaged{"damaged", content_path(serial).string() + ": "};
  const bool fingerprints = file.value().starts_with(kFingerprintsMark);
  if (storage::key_id_of(file.value())) {
    if (storage_.key == nullptr)
      return base::Error{"wrong_key", damaged.message + "encrypted, but no key is configured"};
    auto text = storage_.key->decrypt(kList, numbered(serial), file.value());
    if (!text) return base::Error{text.error().code, damaged.message + text.error().message};
    file = std::move(text).value();
  } else {
    const auto payload = storage::unseal(fingerprints ? kFingerprints : kList, file.value());
    if (!payload) return base::Error{"damaged", damaged.message + payload.error().message};
    file.value().erase(0, file.value().size() - payload.value().size());
  }
  std::string_view bytes = file.value();
  auto content = std::make_shared<ListContent>();
  content->serial = serial;
  auto rules = RuleSet::deserialize(bytes);
  bool good = rules && notes_from_json(bytes, content->notes);
  content->kind = kind.value_or(content->notes.empty() ? ContentKind::feed : ContentKind::manual);
  const bool manual = content->kind == ContentKind::manual;
  good = good && content->notes.size() == (manual ? rules.value().size() : 0);
  storage::wipe(file.value());
  if (!good) return base::Error{"damaged", damaged.message + "the entries and their notes do not match"};
  content->rules = std::move(rules).value();
  // Version 0.1 took a manual list without entries for a feed, and stored it as fingerprints.
  if (!fingerprints || manual) return ContentPtr(std::move(content));
  if (storage_.key == nullptr)
    return base::Error{"wrong_key", damaged.message + "fingerprints, but no key is configured"};
  content->form = EntryForm::fingerprints;
  content->fingerprint_key = storage_.key;
  return ContentPtr(std::move(content));
}

base::Result<State> Store::read_state_file(const std::filesystem::path& path) {
  auto file = storage::read_whole(path, kMaxStateBytes);
  if (!file) return file.error();
  auto payload = storage::unseal("state", file.value());
  if (!payload) return base::Error{"damaged", path.string() + ": " + payload.error().message};
  State state;
  if (!state_from_json(payload.value(), state)) {
    return base::Error{"damaged", path.string() + ": not a state of this version of Weir"};
  }
  return state;
}

base::Result<LoadedState> Store::load_file(const std::filesystem::path& path) const {
  auto state = read_state_file(path);
  if (!state) return state.error();
  LoadedState loaded;
  loaded.state = std::move(state).value();
  for (const ListState& list : loaded.state.lists) {
    ContentPtr content;
    if (list.content != 0) {
      auto read = load_content(list.content, kind_of(list.type));
      if (!read) return read.error();
      content = std::move(read).value();
      loaded.state.next_rule = std::max(loaded.state.next_rule, content->rules.highest_id() + 1);
      loaded.state.next_content = std::max(loaded.state.next_content, content->serial + 1);
    }
    loaded.contents.push_back(std::move(content));
  }
  return loaded;
}

LoadedState Store::load(std::vector<std::string>& remarks) const {
  const std::filesystem::path state_file = state_dir_ / "state";
  auto current = load_file(state_file);
  if (current) return std::move(current).value();
  if (std::error_code error; std::filesystem::exists(state_file, error))
    remarks.push_back(current.error().message);
  LoadedState loaded;
  for (const base::Generation generation : generations()) {
    auto older = load_generation(generation);
    if (older) {
      remarks.push_back(fmt::format("using generation {} instead of the current state", generation.value));
      loaded = std::move(older).value();
      break;
    }
    remarks.push_back(older.error().message);
  }
  // Numbers that a lost state assigned must not be assigned again.
  const auto serials = numbers_in(state_dir_ / "lists", "");
  if (!serials.empty()) loaded.state.next_content = std::max(loaded.state.next_content, serials.front() + 1);
  for (const std::uint64_t serial : serials) {
    if (const auto content = load_content(serial, std::nullopt)) {
      loaded.state.next_rule = std::max(loaded.state.next_rule, content.value()->rules.highest_id() + 1);
    }
  }
  return loaded;
}

base::Result<LoadedState> Store::load_generation(base::Generation generation) const {
  return load_file(generation_path(generation));
}

bool Store::has_generation(base::Generation generation) const {
  std::error_code error;
  return std::filesystem::exists(generation_path(generation), error);
}

base::Result<State> Store::read_state(base::Generation generation) const {
  return read_state_file(generation_path(generation));
}

base::Status Store::write_snapshot(base::Generation generation, std::span<const std::byte> bytes) const {
  return storage::write_durably(snapshot_path(generation), bytes, 0640);
}

base::Result<base::FileDescriptor> Store::open_snapshot(base::Generation generation) const {
  base::FileDescriptor file(::open(snapshot_path(generation).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    return base::Error{
        "io", fmt::format("cannot open {}: {}", snapshot_path(generation).string(), std::strerror(errno))};
  return file;
}

base::Result<std::string> Store::read_snapshot(base::Generation generation) const {
  return storage::read_whole(snapshot_path(generation), kMaxContentBytes);
}

void Store::remove_snapshot(base::Generation generation) const {
  std::error_code ignored;
  std::filesystem::remove(snapshot_path(generation), ignored);
}

/// The bytes of the file of a content.
base::Result<std::string> Store::content_file(const ListContent& content) const {
  const bool has_text = content.form == EntryForm::text;
  const bool as_fingerprints =
      !has_text || (content.kind == ContentKind::feed && storage_.at_rest == config::AtRest::none);
  std::string payload;
  if (as_fingerprints && has_text) {
    fingerprints_of(content.rules, *storage_.key).serialize(payload);
  } else {
    content.rules.serialize(payload);
  }
  payload += notes_to_json(content.notes);
  if (as_fingerprints) return storage::seal(kFingerprints, payload);
  auto file = storage_.at_rest == config::AtRest::plain
                  ? base::Result<std::string>(storage::seal(kList, payload))
                  : storage_.key->encrypt(kList, numbered(content.serial), payload);
  storage::wipe(payload);
  return file;
}

base::Status Store::write_content(const ListContent& content) const {
  const auto file = content_file(content);
  if (!file) return file.error();
  return storage::write_durably(content_path(content.serial), file.value(), 0600);
}

base::Status Store::commit(const State& state, bool as_generation) const {
  const std::string file = storage::seal("state", state_to_json(state));
  if (as_generation) {
    if (auto written = storage::write_durably(generation_path(state.generation), file, 0600); !written)
      return written;
  }
  return storage::write_durably(state_dir_ / "state", file, 0600);
}

std::vector<base::Generation> Store::generations() const {
  std::vector<base::Generation> found;
  for (const std::uint64_t number : numbers_in(state_dir_ / "generations", "")) found.push_back({number});
  return found;
}

base::Generation Store::highest_generation() const {
  const auto states = numbers_in(state_dir_ / "generations", "");
  const auto snapshots = numbers_in(snapshot_dir_, kSnapshotSuffix);
  return {std::max(states.empty() ? 0 : states.front(), snapshots.empty() ? 0 : snapshots.front())};
}

void Store::prune(std::size_t keep, const State& current) const {
  std::set<std::uint64_t> needed;
  std::set<std::uint64_t> bases;
  const auto keep_base = [&bases](const State& state) {
    if (state.base) bases.insert(state.base->value);
  };
  keep_base(current);
  for (const ListState& list : current.lists) needed.insert(list.content);
  std::error_code ignored;
  std::size_t kept = 0;
  for (const base::Generation generation : generations()) {
    if (kept < keep || generation == current.generation) {
      ++kept;
      if (const auto state = read_state(generation)) {
        for (const ListState& list : state.value().lists) needed.insert(list.content);
        keep_base(state.value());
      }
      continue;
    }
    std::filesystem::remove(generation_path(generation), ignored);
  }
  kept = 0;
  for (const std::uint64_t number : numbers_in(snapshot_dir_, kSnapshotSuffix)) {
    // Files above the current generation stay: the dataplane may have loaded one.
    if (number > current.generation.value || kept++ < keep || bases.contains(number)) continue;
    std::filesystem::remove(snapshot_path({number}), ignored);
  }
  for (const std::uint64_t serial : numbers_in(state_dir_ / "lists", "")) {
    if (!needed.contains(serial)) std::filesystem::remove(content_path(serial), ignored);
  }
}

}  // namespace weir::control
