#include "control/intake/delta.h"

#include <future>

#include <gtest/gtest.h>

#include "control/intake/feed.h"
#include "control/intake/source_digest.h"
#include "dataplane/base/unix_time.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

/// A list in force with these entries, and ids from 1.
DeltaBase base_of(std::initializer_list<const char*> entries) {
  rules::EntryParser parser;
  auto content = std::make_shared<ListContent>();
  content->serial = 4;
  for (const char* entry : entries) {
    rules::Rule rule = parser.parse(entry).value();
    rule.id = base::RuleId{static_cast<std::uint32_t>(content->rules.size() + 1)};
    content->rules.append(rule);
  }
  return {.content = content,
          .token = "7",
          .duplicates = 0,
          .edition = {},
          .last_full_unix_seconds = base::unix_now()};
}

std::string entries_of(const RuleSet& rules) {
  std::string text;
  rules::Rule rule;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules.read(i, rule);
    text += (i == 0 ? "" : " ") + rule.canonical_text();
  }
  return text;
}

/// The entries, ` duplicates N` and ` refused LINE`; or `same`; or the error.
std::string applied(const DeltaBase& base, const std::string& text) {
  rules::EntryParser parser;
  ProtectedHosts protects;
  protects.add("safe.example");
  const auto delta = apply_delta(config::ListSettings{}, base, text, protects, parser);
  if (!delta) return delta.error().code + " " + delta.error().message;
  if (!delta.value().list) return "same, " + delta.value().token;
  const ParsedList& list = *delta.value().list;
  std::string outcome = entries_of(list.rules);
  if (list.duplicates != 0) outcome += " duplicates " + std::to_string(list.duplicates);
  for (const rules::LineError& error : list.refused.first)
    outcome += " refused " + std::to_string(error.line);
  return outcome + ", " + delta.value().token;
}

TEST(ApplyDelta, Table) {
  const DeltaBase base = base_of({"a.example", "b.example/p", "c.example"});
  DeltaBase twofold = base;
  twofold.duplicates = 2;
  struct Case {
    const char* description;
    const DeltaBase& base;
    std::string changes;
    const char* outcome;
  };
  for (const Case& each : {
           Case{"nothing", base, "", "same, 8"},
           Case{"added and removed", base, "+d.example/q\n-b.example/p\n",
                "a.example c.example d.example/q, 8"},
           Case{"removed in another spelling", base, "-http://B.Example/./p\n", "a.example c.example, 8"},
           Case{"everything removed", base, "-a.example\n-b.example/p\n-c.example\n", ", 8"},
           Case{"added twice", base, "+d.example\n+d.example\n",
                "a.example b.example/p c.example d.example duplicates 1, 8"},
           Case{"added though it is there", base, "+a.example\n",
                "a.example b.example/p c.example duplicates 1, 8"},
           Case{"added to a list with duplicates", twofold, "+d.example\n",
                "a.example b.example/p c.example d.example duplicates 2, 8"},
           Case{"removed from a list with duplicates", twofold, "-a.example\n",
                "delta_duplicates line 3: removes an entry from a list with 2 duplicates; another copy of "
                "the entry may remain"},
           Case{"removed though it is not there", base, "+d.example\n-e.example\n",
                "delta_mismatch line 4: removes an entry that the list does not have"},
           Case{"the host in the place of a page", base, "-b.example\n",
                "delta_mismatch line 3: removes an entry that the list does not have"},
           Case{"removed twice", base, "-a.example\n-a.example\n",
                "delta_mismatch line 4: removes an entry twice"},
           Case{"added and removed at once", base, "+a.example\n-a.example\n",
                "delta_mismatch line 3: adds an entry that another line removes"},
           Case{"what is no entry is added", base, "+com\n+d.example\n",
                "a.example b.example/p c.example d.example refused 3, 8"},
           Case{"what is no entry is removed", base, "-com\n",
                "delta_mismatch line 3: removes an invalid entry: the entry names a bare top-level domain; "
                "expected a host below it"},
           Case{"a protected host", base, "+www.safe.example\n",
                "a.example b.example/p c.example refused 3, 8"},
       }) {
    EXPECT_EQ(applied(each.base, "since 7\ntoken 8\n" + each.changes + "end\n"), each.outcome)
        << each.description;
  }
  EXPECT_EQ(applied(base, "since 6\ntoken 8\n+d.example\nend\n"),
            "delta_base the changes start at another token than the one asked for");
  EXPECT_EQ(applied(base, "since 7\ntoken 8\n+d.example\n").substr(0, 15), "parse_truncated");
}

TEST(ApplyDelta, AMillionLines) {
  const DeltaBase base = base_of({"a.example"});
  std::string text = "since 7\ntoken 8\n";
  for (int i = 0; i < 1000000; ++i) text += "+a.example/" + std::to_string(i % 500000) + "\n";
  rules::EntryParser parser;
  const auto delta = apply_delta(config::ListSettings{}, base, text + "end\n", {}, parser);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta.value().list->rules.size(), 500001U);
  EXPECT_EQ(delta.value().list->duplicates, 500000U);
}

TEST(ApplyDelta, KeepsWhatTheChangesDoNotSayOfTheEdition) {
  DeltaBase base = base_of({"a.example"});
  base.edition = {.serial = 5, .signed_serial = 6, .signed_unix_seconds = 7};
  config::ListSettings list;
  list.format = config::ListFormat::json;
  list.json.serial = "/serial";
  rules::EntryParser parser;
  const auto delta = apply_delta(
      list, base, R"({"since":7,"token":8,"serial":9,"added":["b.example"],"removed":[]})", {}, parser);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta.value().edition.serial, 9U);
  EXPECT_EQ(delta.value().edition.signed_serial, 6U);
  EXPECT_EQ(delta.value().edition.signed_unix_seconds, 7U);
}

/// A feed whose list and changes are files, and the one run of it that is looked at.
class DeltaFeed {
 public:
  DeltaFeed() {
    list_.name = "hotline";
    list_.url = "file://" + (scratch_ / "list").string();
    list_.format = config::ListFormat::json;
    list_.json.entries = "/urls";
    list_.delta.url = "file://" + (scratch_ / "changes-{token}").string();
    test::write_file(scratch_ / "list",
                     R"({"token": 9, "urls": ["whole.example", "x.example", "y.example"]})");
  }

  void changes(const std::string& text) { test::write_file(scratch_ / "changes-7", text); }
  config::ListSettings& list() { return list_; }

  /// What a run brings that is due, or asked for.
  FeedOutcome run(const std::optional<DeltaBase>& base, bool asked_for = false) {
    std::promise<FeedOutcome> done;
    const auto sink = [&](FeedOutcome&& outcome) { done.set_value(std::move(outcome)); };
    // Another list, read with these settings.
    FetchRecord in_force{.validators = {}, .digest = "0" + reading_mark(list_, "")};
    Feed feed(0, list_, "", sink, [&base] { return base; });
    feed.start(in_force, asked_for ? std::chrono::hours(1) : std::chrono::hours(0));
    if (asked_for) feed.run_now(sink);
    return done.get_future().get();
  }

 private:
  const test::Scratch scratch_;
  config::ListSettings list_;
};

/// The entries that a run read; or its error; or `unchanged`.
std::string entries_of(const FeedOutcome& outcome) {
  if (const StageFailure* failure = outcome.failure()) return failure->error.code;
  return outcome.list_read() == nullptr ? "unchanged" : entries_of(outcome.list_read()->parsed.rules);
}

constexpr const char* kWhole = "whole.example x.example y.example";

TEST(FeedDelta, AppliesChanges) {
  DeltaFeed feed;
  feed.changes(R"({"since":7,"token":8,"added":["d.example"],"removed":["a.example"]})");
  const FeedOutcome outcome = feed.run(base_of({"a.example", "b.example", "c.example"}));
  EXPECT_EQ(entries_of(outcome), "b.example c.example d.example");
  EXPECT_FALSE(outcome.delta_problem);
  ASSERT_NE(outcome.news(), nullptr);
  EXPECT_EQ(outcome.news()->delta_of, 4U);
  EXPECT_EQ(outcome.news()->token.token, "8");
  EXPECT_FALSE(outcome.news()->record.validators.etag);
}

TEST(FeedDelta, NothingChanged) {
  DeltaFeed feed;
  feed.changes(R"({"since":7,"token":8,"added":[],"removed":[]})");
  const FeedOutcome outcome = feed.run(base_of({"a.example"}));
  ASSERT_NE(outcome.unchanged(), nullptr);
  EXPECT_EQ(outcome.news()->token.token, "8");
}

TEST(FeedDelta, TakesTheWholeListWhereChangesDoNotFit) {
  struct Case {
    const char* description;
    const char* changes;
    const char* code;
  };
  for (const Case& each : {
           Case{"truncated", R"({"since":7,"token":8,"added":["d.)", "parse_truncated"},
           Case{"since another token", R"({"since":6,"token":8,"added":[],"removed":[]})", "delta_base"},
           Case{"an unknown removal", R"({"since":7,"token":8,"added":[],"removed":["d.example"]})",
                "delta_mismatch"},
           Case{"shrinks too much", R"({"since":7,"token":8,"added":[],"removed":["a.example"]})",
                "guard_shrink"},
           Case{"grows too much",
                R"({"since":7,"token":8,"added":["d.example","e.example","f.example","g.example"],)"
                R"("removed":[]})",
                "guard_growth"},
           Case{"an older serial", R"({"since":7,"token":8,"serial":1,"added":["d.example"],"removed":[]})",
                "guard_older"},
       }) {
    DeltaFeed feed;
    feed.list().json.serial = "/serial";
    feed.changes(each.changes);
    DeltaBase base = base_of({"a.example", "b.example", "c.example"});
    base.edition.serial = 2;
    const FeedOutcome outcome = feed.run(base);
    ASSERT_TRUE(outcome.delta_problem) << each.description;
    EXPECT_EQ(outcome.delta_problem->kind, DeltaProblem::Kind::refused) << each.description;
    EXPECT_EQ(outcome.delta_problem->error.code, each.code) << each.description;
    EXPECT_NE(outcome.delta_problem->error.message.find("changes-7: "), std::string::npos);
    EXPECT_EQ(entries_of(outcome), kWhole) << each.description;
    ASSERT_NE(outcome.news(), nullptr) << each.description;
    EXPECT_FALSE(outcome.news()->delta_of) << each.description;
    EXPECT_EQ(outcome.news()->token.token, "9") << each.description;
  }
}

TEST(FeedDelta, ChangesAreVerified) {
  DeltaFeed feed;
  feed.list().verify.type = config::VerifyType::sha256;
  feed.changes(R"({"since":7,"token":8,"added":["d.example"],"removed":[]})");
  const FeedOutcome outcome = feed.run(base_of({"a.example", "b.example"}));
  ASSERT_TRUE(outcome.delta_problem);  // there is no changes-7.sha256
  EXPECT_EQ(outcome.delta_problem->error.code, "fetch_io");
}

TEST(FeedDelta, TheWholeListComesWhenItIsDueOrAskedFor) {
  DeltaFeed feed;
  feed.changes(R"({"since":7,"token":8,"added":["d.example"],"removed":[]})");
  DeltaBase base = base_of({"a.example", "b.example"});
  EXPECT_EQ(entries_of(feed.run(base, true)), kWhole);
  base.last_full_unix_seconds -= feed.list().delta.full_every.count();
  EXPECT_EQ(entries_of(feed.run(base)), kWhole);
  EXPECT_EQ(entries_of(feed.run(std::nullopt)), kWhole) << "there is no base";
}

TEST(FeedDelta, AnInvalidTokenIsReported) {
  for (const char* token : {R"("")", R"("a b")", "null", R"("\u0007")"}) {
    const test::Scratch scratch;
    test::write_file(scratch / "list", std::string(R"({"token": )") + token + R"(, "urls": ["a.example"]})");
    config::ListSettings list;
    list.url = "file://" + (scratch / "list").string();
    list.format = config::ListFormat::json;
    list.json.entries = "/urls";
    list.delta.url = "file://" + (scratch / "changes-{token}").string();
    std::promise<FeedOutcome> done;
    Feed feed(0, list, "", [&](FeedOutcome&& outcome) { done.set_value(std::move(outcome)); });
    feed.start({}, std::chrono::milliseconds(0));
    const FeedOutcome outcome = done.get_future().get();
    ASSERT_NE(outcome.news(), nullptr) << token;
    EXPECT_TRUE(outcome.news()->token.is_known) << token;
    EXPECT_FALSE(outcome.news()->token.token) << token;
    ASSERT_TRUE(outcome.delta_problem) << token;
    EXPECT_EQ(outcome.delta_problem->kind, DeltaProblem::Kind::no_token) << token;
    EXPECT_EQ(outcome.delta_problem->error.code, "delta_token") << token;
  }
}

}  // namespace
}  // namespace weir::control
