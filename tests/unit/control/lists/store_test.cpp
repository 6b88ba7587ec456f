#include "control/lists/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "control/lists/rule_changes.h"
#include "control/storage/durable_file.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

using test::read_file;
using test::Scratch;
using test::write_file;

rules::Rule rule(const std::string& host, const std::string& path = "") {
  rules::Rule made;
  made.host = host;
  made.path = path;
  made.kind = path.empty() ? rules::RuleKind::domain : rules::RuleKind::url;
  return made;
}

/// A state with one manual list of one entry.
LoadedState state_with(const std::string& host) {
  LoadedState loaded;
  loaded.state.lists.resize(1);
  loaded.state.lists[0].name = "local";
  loaded.state.lists[0].type = config::ListType::manual;
  loaded.contents.resize(1);
  EXPECT_TRUE(add_entry(
      loaded, 0, rule(host),
      {.uid = 7, .added_unix_seconds = 0, .expires_unix_seconds = std::nullopt, .comment = "case 1"}));
  return loaded;
}

class StoreTest : public ::testing::Test {
 public:
  Store open() {
    auto store = Store::open(scratch_ / "state", scratch_ / "snapshots");
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(store).value();
  }
  void save(const Store& store, LoadedState& state, std::uint64_t generation) {
    state.state.generation = {generation};
    for (const auto& content : state.contents) ASSERT_TRUE(store.write_content(*content));
    ASSERT_TRUE(store.commit(state.state, true));
  }
  [[nodiscard]] std::string host_of(const LoadedState& loaded) const {
    if (loaded.contents.empty() || loaded.contents[0] == nullptr) return "";
    rules::Rule read;
    loaded.contents[0]->rules.read(0, read);
    return read.host;
  }
  std::filesystem::path state_file() const { return scratch_ / "state/state"; }
  std::filesystem::path generation_file(int n) const {
    return scratch_ / ("state/generations/0000000000000000000" + std::to_string(n));
  }

  Scratch scratch_;
  std::vector<std::string> remarks_;
};

TEST_F(StoreTest, NothingThereIsAFreshState) {
  const Store store = open();
  const LoadedState loaded = store.load(remarks_);
  EXPECT_EQ(loaded.state.generation.value, 0U);
  EXPECT_EQ(loaded.state.next_rule, 1U);
  EXPECT_TRUE(remarks_.empty());
}

// Entries are on disk only if the settings say so, and the setting can be changed at any time.
TEST_F(StoreTest, KeepsEntriesAsTheSettingsSayAndChangesOver) {
  const auto key = storage::EntryKey::make(scratch_ / "key").value();
  const auto opened = [&](config::AtRest at_rest) {
    auto store = Store::open(scratch_ / "state", scratch_ / "snapshots", {.at_rest = at_rest, .key = key});
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(store).value();
  };
  const auto list_file = [&](int n) {
    return read_file(scratch_ / ("state/lists/0000000000000000000" + std::to_string(n)));
  };
  const auto on_disk = [&](int n) { return list_file(n).find(".example") != std::string::npos; };
  {
    const Store store = opened(config::AtRest::encrypted);
    LoadedState state = state_with("one.example");  // a manual list: content 1
    state.state.lists.emplace_back().name = "feed";
    state.contents.emplace_back();
    RuleSet rules;
    rules.append(rule("two.example"));
    rules.append(rule("three.example", "/page"));
    ASSERT_TRUE(adopt_rules(state, 1, std::move(rules), 0));  // content 2
    save(store, state, 4);
  }
  EXPECT_FALSE(on_disk(1) || on_disk(2));
  struct Case {
    config::AtRest at_rest;
    bool manual_on_disk;
    bool feed_on_disk;
    bool feed_text;
  };
  const std::vector<Case> cases{
      {config::AtRest::encrypted, false, false, true}, {config::AtRest::plain, true, true, true},
      {config::AtRest::encrypted, false, false, true}, {config::AtRest::plain, true, true, true},
      {config::AtRest::none, false, false, false},     {config::AtRest::encrypted, false, false, false}};
  for (const Case& each : cases) {
    const Store store = opened(each.at_rest);
    const LoadedState loaded = store.load(remarks_);
    EXPECT_TRUE(remarks_.empty());
    EXPECT_EQ(host_of(loaded), "one.example");
    EXPECT_EQ(loaded.contents[0]->notes[0].comment, "case 1");
    EXPECT_EQ(on_disk(1), each.manual_on_disk);
    EXPECT_EQ(on_disk(2), each.feed_on_disk);
    EXPECT_EQ(loaded.contents[1]->form == EntryForm::text, each.feed_text);
    EXPECT_EQ(loaded.contents[1]->rules.whole_host_rules(), 1U);
    EXPECT_EQ(loaded.contents[1]->rules.id(1).value, 3U);
  }
  // The feed comes again: its entries keep their ids.
  LoadedState again = opened(config::AtRest::none).load(remarks_);
  RuleSet rules;
  rules.append(rule("three.example", "/page"));
  rules.append(rule("two.example"));
  rules.append(rule("four.example"));
  const auto adopted = adopt_rules(again, 1, std::move(rules), 0);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted.value().added, 1U);
  EXPECT_EQ(adopted.value().removed, 0U);
  EXPECT_EQ(again.contents[1]->rules.id(0).value, 3U);
  EXPECT_EQ(again.contents[1]->rules.id(1).value, 2U);
}

// `entries.at_rest: none` is about feeds. Version 0.1 took a manual list without entries for a feed.
TEST_F(StoreTest, AManualListWithoutEntriesStaysAManualList) {
  const auto key = storage::EntryKey::make(scratch_ / "key").value();
  const auto opened = [&] {
    auto store = Store::open(scratch_ / "state", scratch_ / "snapshots",
                             {.at_rest = config::AtRest::none, .key = key});
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(store).value();
  };
  {
    const Store store = opened();
    LoadedState state = state_with("one.example");
    ASSERT_TRUE(remove_id(state, 0, base::RuleId{1}));
    save(store, state, 1);
  }
  const auto file = scratch_ / "state/lists/00000000000000000002";
  EXPECT_FALSE(read_file(file).starts_with("weir fingerprints"));
  EXPECT_EQ(opened().load(remarks_).contents[0]->form, EntryForm::text);
  // As version 0.1 wrote it.
  std::string empty;
  RuleSet().serialize(empty);
  write_file(file, storage::seal("fingerprints", empty + "[]"));
  LoadedState loaded = opened().load(remarks_);
  EXPECT_TRUE(remarks_.empty());
  ASSERT_NE(loaded.contents[0], nullptr);
  EXPECT_EQ(loaded.contents[0]->kind, ContentKind::manual);
  EXPECT_EQ(loaded.contents[0]->form, EntryForm::text);
  ASSERT_TRUE(add_entry(loaded, 0, rule("two.example"), {}));
  EXPECT_EQ(loaded.contents[0]->form, EntryForm::text);
}

// A state and a content as version 0.1 wrote them.
TEST_F(StoreTest, LoadsAStateOfVersion01) {
  std::string rules;
  RuleSet set;
  rules::Rule entry = rule("one.example");
  entry.id = base::RuleId{5};
  set.append(entry);
  set.serialize(rules);
  { const Store made = open(); }
  write_file(scratch_ / "state/lists/00000000000000000003", storage::seal("list", rules + "[]"));
  write_file(state_file(),
             storage::seal("state", R"({"version": 1, "generation": 9, "created": 1, "next_rule": 6,
    "next_content": 4, "canary": "", "lists": [{"name": "hotline", "manual": false, "subdomains": true,
    "www_equivalent": false, "block_host_on_tls": false, "content": 3, "entries": 1, "duplicates": 0, "source": "s",
    "source_digest": "", "etag": "", "last_modified": "", "last_attempt": 7, "last_success": 8}]})"));
  const LoadedState loaded = open().load(remarks_);
  EXPECT_TRUE(remarks_.empty());
  EXPECT_EQ(loaded.state.generation.value, 9U);
  EXPECT_EQ(host_of(loaded), "one.example");
  EXPECT_EQ(loaded.contents[0]->kind, ContentKind::feed);
  EXPECT_FALSE(loaded.state.base);
  const ListState& list = loaded.state.lists[0];
  EXPECT_FALSE(list.fetched);
  EXPECT_FALSE(list.token);
  EXPECT_FALSE(list.edition.serial);
  EXPECT_EQ(list.last_success_unix_seconds, 8);
}

TEST_F(StoreTest, AnotherKeyIsAnErrorThatTouchesNothing) {
  const auto key = storage::EntryKey::make(scratch_ / "key").value();
  const auto other = storage::EntryKey::make(scratch_ / "other").value();
  {
    const auto store = Store::open(scratch_ / "state", scratch_ / "snapshots",
                                   {.at_rest = config::AtRest::encrypted, .key = key});
    LoadedState state = state_with("one.example");
    save(store.value(), state, 4);
  }
  const std::string before = read_file(scratch_ / "state/lists/00000000000000000001");
  for (const storage::EntryStorage& storage :
       {storage::EntryStorage{.at_rest = config::AtRest::encrypted, .key = other}, storage::EntryStorage{}}) {
    const auto store = Store::open(scratch_ / "state", scratch_ / "snapshots", storage);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, "wrong_key");
    EXPECT_NE(store.error().message.find(key->id()), std::string::npos) << store.error().message;
  }
  EXPECT_EQ(read_file(scratch_ / "state/lists/00000000000000000001"), before);
  const auto store = Store::open(scratch_ / "state", scratch_ / "snapshots",
                                 {.at_rest = config::AtRest::encrypted, .key = key});
  ASSERT_TRUE(store);
  EXPECT_EQ(host_of(store.value().load(remarks_)), "one.example");
}

TEST_F(StoreTest, ReadsBackWhatItWrote) {
  {
    const Store store = open();
    LoadedState state = state_with("one.example");
    FetchRecord& record = state.state.lists[0].fetched.emplace();
    record.validators.etag = "\"x\"";
    record.digest = "d";
    save(store, state, 4);
  }
  const LoadedState loaded = open().load(remarks_);
  EXPECT_TRUE(remarks_.empty());
  EXPECT_EQ(loaded.state.generation.value, 4U);
  ASSERT_TRUE(loaded.state.lists[0].fetched);
  EXPECT_EQ(loaded.state.lists[0].fetched->digest, "d");
  EXPECT_EQ(loaded.state.lists[0].fetched->validators.etag, "\"x\"");
  EXPECT_FALSE(loaded.state.lists[0].fetched->validators.last_modified);
  EXPECT_FALSE(loaded.state.lists[0].token);
  EXPECT_FALSE(loaded.state.base);
  EXPECT_EQ(loaded.state.next_rule, 2U);
  EXPECT_EQ(host_of(loaded), "one.example");
  EXPECT_EQ(loaded.contents[0]->notes[0].uid, 7U);
  EXPECT_EQ(loaded.contents[0]->notes[0].comment, "case 1");
}

TEST_F(StoreTest, FilesAreForTheOwnerAlone) {
  const Store store = open();
  LoadedState state = state_with("one.example");
  save(store, state, 1);
  ASSERT_TRUE(store.write_snapshot({1}, std::vector<std::byte>(8)));
  struct Case {
    const char* path;
    unsigned mode;
  };
  for (const Case& each : {Case{"state", 0700}, Case{"state/state", 0600}, Case{"state/lists", 0700},
                           Case{"state/lists/00000000000000000001", 0600}, Case{"state/generations", 0700},
                           Case{"snapshots/00000000000000000001.snapshot", 0640}}) {
    struct stat status {};
    ASSERT_EQ(::stat((scratch_ / each.path).c_str(), &status), 0) << each.path;
    EXPECT_EQ(status.st_mode & 0777U, each.mode) << each.path;
  }
}

TEST_F(StoreTest, OneDaemonForADirectory) {
  const Store store = open();
  const auto second = Store::open(scratch_ / "state", scratch_ / "snapshots");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "state_in_use");
}

// Whatever a kill or a failing disk leaves behind, the last good state is found.
TEST_F(StoreTest, FindsTheLastGoodState) {
  struct Case {
    const char* description;
    std::function<void(StoreTest&)> damage;
    std::uint64_t generation;
    const char* host;
  };
  const std::vector<Case> cases{
      {"nothing", [](StoreTest&) {}, 2, "two.example"},
      {"a temporary file cut short",
       [](StoreTest& t) {
         const std::string whole = read_file(t.state_file());
         write_file(t.state_file().string() + ".tmp", std::string_view(whole).substr(0, whole.size() / 2));
       },
       2, "two.example"},
      {"a temporary file of garbage",
       [](StoreTest& t) { write_file(t.state_file().string() + ".tmp", std::string(5000, '\xFF')); }, 2,
       "two.example"},
      {"a temporary content",
       [](StoreTest& t) { write_file(t.scratch_ / "state/lists/00000000000000000009.tmp", "weir list"); }, 2,
       "two.example"},
      {"a state that is half written",
       [](StoreTest& t) {
         const std::string whole = read_file(t.state_file());
         write_file(t.state_file(), std::string_view(whole).substr(0, whole.size() / 2));
       },
       2, "two.example"},
      {"an empty state", [](StoreTest& t) { write_file(t.state_file(), ""); }, 2, "two.example"},
      {"no state", [](StoreTest& t) { std::filesystem::remove(t.state_file()); }, 2, "two.example"},
      {"a bit flipped in the state",
       [](StoreTest& t) {
         std::string text = read_file(t.state_file());
         text[text.size() - 20] = static_cast<char>(text[text.size() - 20] ^ 1);
         write_file(t.state_file(), text);
       },
       2, "two.example"},
      {"state and newest generation damaged",
       [](StoreTest& t) {
         write_file(t.state_file(), "garbage");
         write_file(t.generation_file(2), "garbage");
       },
       1, "one.example"},
      {"the newest content cut short",
       [](StoreTest& t) {
         const auto path = t.scratch_ / "state/lists/00000000000000000002";
         write_file(path, read_file(path).substr(0, 60));
       },
       1, "one.example"},
      {"a content written that no state names yet",
       [](StoreTest& t) {
         write_file(t.scratch_ / "state/lists/00000000000000000003", "weir list 5 0\nhalf");
       },
       2, "two.example"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.description);
    std::filesystem::remove_all(scratch_ / "state");
    {
      const Store store = open();
      LoadedState state = state_with("one.example");
      save(store, state, 1);
      ASSERT_TRUE(add_entry(state, 0, rule("two.example"), {}));
      ASSERT_TRUE(remove_id(state, 0, base::RuleId{1}));
      state.contents[0] = [&] {
        auto copy = std::make_shared<ListContent>(*state.contents[0]);
        copy->serial = 2;
        return copy;
      }();
      state.state.lists[0].content = 2;
      save(store, state, 2);
    }
    each.damage(*this);
    const Store store = open();
    const LoadedState loaded = store.load(remarks_);
    EXPECT_EQ(loaded.state.generation.value, each.generation);
    EXPECT_EQ(host_of(loaded), each.host);
    EXPECT_GE(loaded.state.next_rule, 2U + static_cast<unsigned>(each.generation == 2));
    EXPECT_GT(loaded.state.next_content, 2U);
    EXPECT_FALSE(std::filesystem::exists(state_file().string() + ".tmp"));
  }
}

TEST_F(StoreTest, PruneKeepsTheNewestAndWhatTheyName) {
  const Store store = open();
  LoadedState state = state_with("one.example");
  for (unsigned i = 1; i <= 5; ++i) {
    if (i > 1) {
      ASSERT_TRUE(add_entry(state, 0, rule("host" + std::to_string(i) + ".example"), {}));
    }
    save(store, state, i);
    ASSERT_TRUE(store.write_snapshot({i}, std::vector<std::byte>(8)));
  }
  ASSERT_TRUE(
      store.write_snapshot({9}, std::vector<std::byte>(8)));  // of a future that this daemon does not know
  store.prune(2, state.state);
  EXPECT_THAT(store.generations(), ::testing::ElementsAre(base::Generation{5}, base::Generation{4}));
  EXPECT_TRUE(store.load_generation({4}));
  EXPECT_TRUE(store.read_snapshot({4}));
  EXPECT_FALSE(store.read_snapshot({3}));
  EXPECT_TRUE(store.read_snapshot({9}));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "state/lists/00000000000000000003"));
  EXPECT_EQ(store.highest_generation().value, 9U);
}

TEST(Seal, OnlyTheWholeFileUnseals) {
  const std::string file = storage::seal("state", "payload");
  ASSERT_TRUE(storage::unseal("state", file));
  EXPECT_EQ(storage::unseal("state", file).value(), "payload");
  EXPECT_FALSE(storage::unseal("list", file));
  EXPECT_FALSE(storage::unseal("state", file + "x"));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(storage::unseal("state", std::string_view(file).substr(0, size))) << size;
  }
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    EXPECT_FALSE(storage::unseal("state", changed)) << i;
  }
}

TEST(ReadWhole, RefusesWhatIsNoFile) {
  const Scratch scratch;
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  write_file(scratch / "big", "12345");
  EXPECT_EQ(storage::read_whole(scratch / "none", 10).error().code, "not_found");
  EXPECT_EQ(storage::read_whole(scratch / "fifo", 10).error().code, "io");
  EXPECT_EQ(storage::read_whole(scratch / "big", 4).error().code, "too_large");
  EXPECT_EQ(storage::read_whole(scratch / "big", 5).value(), "12345");
  // Larger than any memory, without a byte on disk.
  constexpr std::uintmax_t kManyBytes = std::uintmax_t{1} << 43;
  std::filesystem::resize_file(scratch / "big", kManyBytes);
  EXPECT_EQ(storage::read_whole(scratch / "big", 5).error().code, "too_large");
}

}  // namespace
}  // namespace weir::control
