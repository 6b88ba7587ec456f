// The whole way of a list, from its file to the dataplane's end of the socket and back to an operator's call.

#include <functional>
#include <future>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "control/api/control_api.h"
#include "control/api/methods/method.h"
#include "control/metrics/metrics.h"
#include "tests/unit/control/updates/pipeline_fixture.h"

namespace weir::control {
namespace {

constexpr unsigned kStranger = 4000000;

TEST_F(PipelineTest, AFeedReachesTheDataplane) {
  start();
  EXPECT_TRUE(dataplane_->blocks("http://sub.one.example/x"));
  EXPECT_TRUE(dataplane_->blocks("http://two.example/page"));
  EXPECT_FALSE(dataplane_->blocks("http://two.example/other"));
  ASSERT_TRUE(eventually([&] { return daemon_->good("status")["healthy"].get<bool>(); }));
}

TEST_F(PipelineTest, RulesComeAndGo) {
  start();
  const json added = daemon_->good("rule.add", {{"entry", "three.example/a"}, {"comment", "case"}});
  EXPECT_EQ(added["active"], true);
  EXPECT_EQ(added["list"], "local");
  EXPECT_EQ(added["generation"], dataplane_->generation());
  EXPECT_TRUE(dataplane_->blocks("three.example/a"));
  const json listed = daemon_->good("rule.list", {{"list", "local"}});
  EXPECT_EQ(listed["rules"][0]["comment"], "case");
  EXPECT_FALSE(listed["rules"][0].contains("entry"));
  EXPECT_EQ(daemon_->good("rule.list", {{"list", "local"}, {"entries", true}})["rules"][0]["entry"],
            "three.example/a");
  const json removed = daemon_->good("rule.remove", {{"id", added["rule"]}});
  EXPECT_GT(removed["generation"], added["generation"]);
  EXPECT_FALSE(dataplane_->blocks("three.example/a"));

  daemon_->good("rule.add", {{"entry", "one.example"}, {"action", "allow"}});
  EXPECT_FALSE(dataplane_->blocks("one.example"));
  daemon_->good("rule.remove", {{"entry", "one.example"}});
  EXPECT_TRUE(dataplane_->blocks("one.example"));
}

TEST_F(PipelineTest, RefusesByName) {
  start();
  const std::uint64_t before = daemon_->generation();
  const unsigned loads = dataplane_->loads();
  struct Case {
    const char* description;
    const char* method;
    json params;
    const char* code;
  };
  const std::vector<Case> cases{
      {"no such method", "rule.change", json::object(), "method_not_found"},
      {"a parameter that it does not have",
       "rule.add",
       {{"entry", "x.example"}, {"reason", "x"}},
       "invalid_params"},
      {"a parameter of another type", "rule.add", {{"entry", 5}}, "invalid_params"},
      {"no entry", "rule.add", json::object(), "invalid_params"},
      {"an action that is none", "rule.add", {{"entry", "x.example"}, {"action", "deny"}}, "invalid_params"},
      {"an expiry that is none", "rule.add", {{"entry", "x.example"}, {"expires", "soon"}}, "invalid_params"},
      {"an expiry in the past", "rule.add", {{"entry", "x.example"}, {"expires", 5}}, "invalid_params"},
      {"a comment that is too long",
       "rule.add",
       {{"entry", "x.example"}, {"comment", std::string(501, 'c')}},
       "invalid_params"},
      {"an entry that is none", "rule.add", {{"entry", "http://[broken/"}}, "entry_invalid"},
      {"a list that is a feed", "rule.add", {{"entry", "x.example"}, {"list", "hotline"}}, "list_not_manual"},
      {"no such list", "rule.add", {{"entry", "x.example"}, {"list", "none"}}, "list_unknown"},
      {"another generation",
       "rule.add",
       {{"entry", "x.example"}, {"expect_generation", 999}},
       "generation_mismatch"},
      {"an entry that is not there", "rule.remove", {{"entry", "x.example"}}, "rule_unknown"},
      {"a rule of a feed", "rule.remove", {{"id", 1}}, "list_not_manual"},
      {"id and entry", "rule.remove", {{"id", 1}, {"entry", "x.example"}}, "invalid_params"},
      {"a reload of no list", "list.reload", {{"list", "none"}}, "list_unknown"},
      {"a reload of a manual list", "list.reload", {{"list", "local"}}, "list_not_feed"},
      {"a reload of another generation", "list.reload", {{"expect_generation", 999}}, "generation_mismatch"},
      {"a generation that is not there", "rollback", {{"generation", 77}}, "generation_unknown"},
      {"a mode that is none", "enforcement", {{"mode", "off"}}, "invalid_params"},
      {"a URL that is none", "check", {{"url", "http://"}}, "url_invalid"},
      {"a cursor that is none", "rule.list", {{"cursor", "x"}}, "cursor_invalid"},
  };
  for (const Case& each : cases)
    EXPECT_EQ(daemon_->code(each.method, each.params), each.code) << each.description;
  EXPECT_EQ(daemon_->generation(), before);
  EXPECT_EQ(dataplane_->loads(), loads);
}

TEST_F(PipelineTest, RolesDecideAndRefusalsAreAudited) {
  start();
  for (const Method& method : methods()) {
    EXPECT_EQ(daemon_->code(std::string(method.name), json::object(), kStranger), "forbidden") << method.name;
  }
  std::size_t refused = 0;
  const json records = daemon_->good("audit")["records"];
  for (const json& record : records) {
    refused += record["outcome"] == "forbidden" && record["uid"] == kStranger ? 1U : 0U;
  }
  EXPECT_GE(refused, 10U);
}

TEST_F(PipelineTest, AUserWhoFloodsIsToldToSlowDownAndOthersAreNot) {
  start();
  std::set<std::string> codes;
  for (int i = 0; i < 5000; ++i) codes.insert(daemon_->code("version", json::object(), kStranger));
  EXPECT_EQ(codes, (std::set<std::string>{"forbidden", "rate_limited"}));
  EXPECT_EQ(daemon_->code("version", json::object(), kStranger + 1), "forbidden");
  EXPECT_EQ(daemon_->code("version"), "");
}

TEST_F(PipelineTest, TheAuditLogNamesRulesById) {
  start();
  const json added = daemon_->good("rule.add", {{"entry", "three.example/secret"}});
  const json records = daemon_->good("audit")["records"];
  const json& last = records.back();
  EXPECT_EQ(last["method"], "rule.add");
  EXPECT_EQ(last["uid"], kRoot);
  EXPECT_EQ(last["rule"], added["rule"]);
  EXPECT_EQ(last["after"], added["generation"]);
  EXPECT_LT(last["before"], last["after"]);
  EXPECT_EQ(records.dump().find("secret"), std::string::npos);
  const json report = daemon_->good("audit.verify");
  EXPECT_EQ(report["whole"], true);
  EXPECT_EQ(report["last"], last["seq"]);
}

// What could not be recorded is not acknowledged.
TEST_F(PipelineTest, AnUpdateWithoutItsRecordIsAnError) {
  settings_.control.audit.file_bytes = 400;  // a record a file
  start();
  ASSERT_TRUE(eventually([&] { return daemon_->good("audit")["records"].size() == 1; }));
  // The log cannot be rotated: the name is taken.
  const auto taken = storage::rotated_name(scratch_ / "state/audit.jsonl", 1);
  write_file(taken, "");
  const auto answer = daemon_->call("rule.add", {{"entry", "three.example"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "audit_failed");
  EXPECT_NE(answer.error().message.find("generation 2 is current"), std::string::npos)
      << answer.error().message;
  std::filesystem::remove(taken);
  daemon_->good("rule.add", {{"entry", "four.example"}});
  EXPECT_EQ(daemon_->good("audit.verify")["whole"], true);
}

TEST_F(PipelineTest, ReloadTakesTheNewListAndKeepsIds) {
  start();
  const json before = daemon_->good("check", {{"url", "one.example"}});
  write_file(feed(), "four.example\none.example\nhttp://[broken/\nfour.example\n");
  const json dry = daemon_->good("list.reload", {{"list", "hotline"}, {"dry_run", true}});
  EXPECT_EQ(dry["lists"][0]["added"], 1);
  EXPECT_FALSE(dataplane_->blocks("four.example"));
  const json reloaded = daemon_->good("list.reload", {{"list", "hotline"}});
  EXPECT_EQ(reloaded["active"], true);
  const json& list = reloaded["lists"][0];
  EXPECT_EQ(list["entries"], 2);
  EXPECT_EQ(list["added"], 1);
  EXPECT_EQ(list["removed"], 1);
  EXPECT_EQ(list["duplicates"], 1);
  EXPECT_EQ(list["errors"]["count"], 1);
  EXPECT_EQ(list["errors"]["first"][0]["line"], 3);
  EXPECT_EQ(list["errors"]["first"][0]["file"], feed().string());
  EXPECT_EQ(reloaded.dump().find("broken"), std::string::npos);
  EXPECT_EQ(daemon_->good("lists")["lists"][0]["errors"]["count"], 1);
  EXPECT_TRUE(dataplane_->blocks("four.example"));
  EXPECT_EQ(daemon_->good("check", {{"url", "one.example"}})["rule"], before["rule"]);
}

TEST_F(PipelineTest, ABadReloadKeepsTheLastGoodGeneration) {
  start();
  const std::uint64_t before = daemon_->generation();
  struct Case {
    const char* description;
    std::function<void()> spoil;
    const char* code;
  };
  const std::vector<Case> cases{
      {"empty", [&] { write_file(feed(), ""); }, "guard_empty"},
      {"only comments", [&] { write_file(feed(), "# nothing\n"); }, "guard_empty"},
      {"only rubbish", [&] { write_file(feed(), "http://[a/\nhttp://[b/\n"); }, "guard_empty"},
      {"gone", [&] { std::filesystem::remove(feed()); }, "fetch_io"},
      {"a directory", [&] { std::filesystem::create_directory(feed()); }, "fetch_io"},
  };
  for (const Case& each : cases) {
    each.spoil();
    EXPECT_EQ(daemon_->code("list.reload", {{"list", "hotline"}}), each.code) << each.description;
    EXPECT_EQ(daemon_->generation(), before) << each.description;
    EXPECT_TRUE(dataplane_->blocks("one.example")) << each.description;
    EXPECT_EQ(daemon_->good("lists")["lists"][0]["error"]["code"], each.code) << each.description;
  }
  std::filesystem::remove(feed());
  write_file(feed(), "one.example\n");
  daemon_->good("list.reload");
  EXPECT_TRUE(daemon_->good("lists")["lists"][0]["error"].is_null());
}

TEST_F(PipelineTest, ProtectedHostsAreRefusedUnlessConfirmed) {
  settings_.protected_hosts = scratch_ / "protected";
  write_file(settings_.protected_hosts, "bank.example\n");
  start();
  write_file(feed(), "one.example\nbank.example\n");
  EXPECT_EQ(daemon_->good("list.reload")["lists"][0]["errors"]["first"][0]["line"], 2);
  EXPECT_FALSE(dataplane_->blocks("bank.example"));
  EXPECT_EQ(daemon_->code("rule.add", {{"entry", "bank.example"}}), "entry_protected");
  daemon_->good("rule.add", {{"entry", "bank.example"}, {"confirm", true}});
  EXPECT_TRUE(dataplane_->blocks("bank.example"));
}

TEST_F(PipelineTest, ARefusedSnapshotChangesNothing) {
  start();
  const std::uint64_t before = daemon_->generation();
  dataplane_->refuse_with("snapshot_too_large");
  EXPECT_EQ(daemon_->code("rule.add", {{"entry", "three.example"}}), "snapshot_too_large");
  EXPECT_EQ(daemon_->generation(), before);
  EXPECT_FALSE(std::filesystem::exists(snapshot_name(before + 1)));
  EXPECT_TRUE(daemon_->good("rule.list", {{"list", "local"}})["rules"].empty());
  dataplane_->refuse_with("");
  EXPECT_EQ(daemon_->good("rule.add", {{"entry", "three.example"}})["active"], true);
}

TEST_F(PipelineTest, WithoutADataplaneTheGenerationWaitsForIt) {
  start_control();
  const json added = daemon_->good("rule.add", {{"entry", "three.example"}});
  EXPECT_EQ(added["active"], false);
  EXPECT_EQ(added["error"]["code"], "dataplane_down");
  EXPECT_TRUE(std::filesystem::exists(snapshot_name(added["generation"].get<std::uint64_t>())));
  const json status = daemon_->good("status");
  EXPECT_EQ(status["healthy"], false);
  EXPECT_EQ(status["problems"][0]["code"], "dataplane_down");
  EXPECT_EQ(daemon_->code("enforcement", {{"mode", "monitor"}}), "dataplane_down");
  start_dataplane();
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  EXPECT_TRUE(dataplane_->blocks("three.example"));
  ASSERT_TRUE(eventually([&] { return daemon_->good("status")["healthy"].get<bool>(); }));
}

TEST_F(PipelineTest, ADataplaneThatFoundTheGenerationItselfIsNoProblem) {
  start_control();
  EXPECT_FALSE(daemon_->good("status")["problems"].empty());
  dataplane_.emplace(settings_.dataplane.socket.string(), daemon_->generation());
  EXPECT_TRUE(eventually([&] {
    const json status = daemon_->good("status");
    return status["healthy"] == true && status["warnings"].empty();
  }));
  EXPECT_EQ(dataplane_->loads(), 0U);
}

TEST_F(PipelineTest, ARestartedDataplaneGetsTheGenerationAgain) {
  start();
  dataplane_.reset();
  start_dataplane();
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
}

TEST_F(PipelineTest, ARestartTakesUpTheStateWithoutFeedOrNewGeneration) {
  start();
  daemon_->good("rule.add", {{"entry", "three.example"}});
  const std::uint64_t before = daemon_->generation();
  const json rule = daemon_->good("check", {{"url", "three.example"}})["rule"];
  const unsigned loads = dataplane_->loads();
  daemon_.reset();
  std::filesystem::remove(feed());
  start_control();
  EXPECT_EQ(daemon_->generation(), before);
  EXPECT_EQ(daemon_->good("check", {{"url", "three.example"}})["rule"], rule);
  EXPECT_EQ(daemon_->good("check", {{"url", "one.example"}})["verdict"], "block");
  EXPECT_EQ(dataplane_->loads(), loads);
}

TEST_F(PipelineTest, ARestartWithOtherSettingsMakesANewGeneration) {
  start();
  const std::uint64_t before = daemon_->generation();
  daemon_.reset();
  settings_.lists[0].on_tls = config::OnTls::block_host;
  start_control();
  EXPECT_GT(daemon_->generation(), before);
  EXPECT_EQ(daemon_->good("check", {{"url", "two.example"}})["by_protocol"]["tls"]["verdict"], "block");
}

TEST_F(PipelineTest, ADamagedSnapshotFileIsMadeAgain) {
  start();
  const std::uint64_t before = daemon_->generation();
  daemon_.reset();
  write_file(snapshot_name(before), "garbage");
  start_control();
  EXPECT_GT(daemon_->generation(), before);
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
}

TEST_F(PipelineTest, AnUncommittedSnapshotInTheDataplaneIsOverruled) {
  start();
  const std::uint64_t before = daemon_->generation();
  const std::string state = test::read_file(scratch_ / "state/state");
  daemon_->good("rule.add", {{"entry", "three.example"}});
  daemon_.reset();
  // As after a kill after the dataplane took the snapshot and before the commit: the dataplane is ahead of
  // the state.
  write_file(scratch_ / "state/state", state);
  std::filesystem::remove(scratch_ / fmt::format("state/generations/{:020}", before + 1));
  start_control();
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() > before + 1; }));
  EXPECT_FALSE(dataplane_->blocks("three.example"));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
}

TEST_F(PipelineTest, ALostStateNeverUnblocksWhatIsInForce) {
  start();
  const std::uint64_t before = dataplane_->generation();
  daemon_.reset();
  std::filesystem::remove_all(scratch_ / "state");
  std::filesystem::create_directory(scratch_ / "state");
  std::filesystem::rename(feed(), scratch_ / "away");
  daemon_.emplace(settings_);
  EXPECT_EQ(daemon_->code("rule.add", {{"entry", "three.example"}}), "lists_incomplete");
  EXPECT_EQ(dataplane_->generation(), before);
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  std::filesystem::rename(scratch_ / "away", feed());
  daemon_->good("list.reload");
  EXPECT_GT(dataplane_->generation(), before);
  EXPECT_TRUE(dataplane_->blocks("one.example"));
}

TEST_F(PipelineTest, RollbackHoldsUntilTheFeedChanges) {
  settings_.lists[0].interval = std::chrono::seconds(1);
  start();
  write_file(feed(), "bad.example\nworse.example\n");
  daemon_->good("list.reload");
  ASSERT_TRUE(dataplane_->blocks("bad.example"));
  const std::uint64_t bad = daemon_->generation();
  const json rolled = daemon_->good("rollback");
  EXPECT_GT(rolled["generation"], bad);
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  EXPECT_FALSE(dataplane_->blocks("bad.example"));
  // Scheduled runs see the same bad bytes and leave them alone.
  const auto attempts = [&] {
    return daemon_->good("lists")["lists"][0]["last_attempt"].get<std::int64_t>();
  };
  const std::int64_t start = attempts();
  ASSERT_TRUE(eventually([&] { return attempts() >= start + 3; }));
  EXPECT_FALSE(dataplane_->blocks("bad.example"));
  write_file(feed(), "repaired.example\none.example\n");
  EXPECT_TRUE(eventually([&] { return dataplane_->blocks("repaired.example"); }));
}

TEST_F(PipelineTest, SnapshotsAreKeptAndListed) {
  settings_.control.keep_generations = 2;
  start();
  for (int i = 0; i < 4; ++i) daemon_->good("rule.add", {{"entry", fmt::format("host{}.example", i)}});
  const json snapshots = daemon_->good("snapshots")["snapshots"];
  ASSERT_EQ(snapshots.size(), 2U);
  EXPECT_EQ(snapshots[0]["generation"], daemon_->generation());
  EXPECT_EQ(snapshots[0]["current"], true);
  EXPECT_EQ(snapshots[0]["entries"], 6);
  const auto files = std::distance(std::filesystem::directory_iterator(scratch_ / "snapshots"), {});
  EXPECT_EQ(files, 3);  // the base of both as well
}

// What an operator adds is compiled by itself, on the feeds' tables as they are.
TEST_F(PipelineTest, AnEntryMoreIsAnOverlay) {
  start();
  const std::uint64_t base = daemon_->generation();
  EXPECT_EQ(dataplane_->overlays(), 0U);
  daemon_->good("rule.add", {{"entry", "three.example"}});
  daemon_->good("rule.add", {{"entry", "two.example/page"}, {"action", "allow"}});
  EXPECT_EQ(dataplane_->overlays(), 2U);
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  EXPECT_TRUE(dataplane_->blocks("three.example"));
  EXPECT_FALSE(dataplane_->blocks("two.example/page"));
  EXPECT_EQ(daemon_->good("snapshots")["snapshots"][0]["base"], base);
  daemon_->good("rule.remove", {{"entry", "three.example"}});
  EXPECT_EQ(dataplane_->overlays(), 3U);
  EXPECT_FALSE(dataplane_->blocks("three.example"));
  write_file(feed(), "one.example\nfour.example\ntwo.example/page\n");
  daemon_->good("list.reload");
  EXPECT_EQ(dataplane_->overlays(), 3U);
  EXPECT_TRUE(dataplane_->blocks("four.example"));
  EXPECT_FALSE(dataplane_->blocks("two.example/page"));
  EXPECT_EQ(daemon_->good("snapshots")["snapshots"][0]["base"], 0);
}

TEST_F(PipelineTest, DiffTellsWhatAReloadWouldChangeAndChangesNothing) {
  start();
  const std::uint64_t before = daemon_->generation();
  const json rule = daemon_->good("check", {{"url", "one.example"}})["rule"];
  write_file(feed(), "two.example/page\nthree.example\nthree.example\nhttp://[broken/\n");
  const json diff = daemon_->good("list.diff", {{"list", "hotline"}});
  const json expected{{"list", "hotline"},
                      {"generation", before},
                      {"before", 2},
                      {"after", 2},
                      {"added", 1},
                      {"removed", 1},
                      {"unchanged", 1},
                      {"duplicates", 1},
                      {"lines_refused", 1},
                      {"refused", nullptr},
                      {"removed_rules", json::array({rule})}};
  EXPECT_EQ(diff, expected);
  const json entries = daemon_->good("list.diff", {{"list", "hotline"}, {"entries", true}});
  EXPECT_EQ(entries["added_entries"], json::array({"three.example"}));
  EXPECT_EQ(entries["removed_entries"], json::array({"one.example"}));
  write_file(feed(), "three.example\n");
  EXPECT_EQ(daemon_->good("list.diff", {{"list", "hotline"}})["refused"], nullptr);  // half: within the guard
  write_file(feed(), "# nothing\n");
  EXPECT_EQ(daemon_->good("list.diff", {{"list", "hotline"}})["refused"]["code"], "guard_empty");
  std::filesystem::remove(feed());
  EXPECT_EQ(daemon_->code("list.diff", {{"list", "hotline"}}), "fetch_io");
  EXPECT_EQ(daemon_->code("list.diff", {{"list", "local"}}), "list_not_feed");
  EXPECT_EQ(daemon_->code("list.diff", {{"list", "none"}}), "list_unknown");
  EXPECT_EQ(daemon_->code("list.diff"), "invalid_params");
  EXPECT_EQ(daemon_->generation(), before);
  EXPECT_EQ(daemon_->good("status")["warnings"], json::array());
}

TEST_F(PipelineTest, ADataplaneWithoutTheBaseGetsBoth) {
  start();
  daemon_->good("rule.add", {{"entry", "three.example"}});
  dataplane_.reset();
  start_dataplane();
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  EXPECT_TRUE(dataplane_->blocks("three.example"));
}

TEST_F(PipelineTest, ARestartGoesOnWithTheSameBase) {
  start();
  daemon_->good("rule.add", {{"entry", "three.example"}});
  daemon_.reset();
  start_control();
  daemon_->good("rule.add", {{"entry", "four.example"}});
  EXPECT_EQ(dataplane_->overlays(), 2U);
  for (const char* host : {"one.example", "three.example", "four.example"}) {
    EXPECT_TRUE(dataplane_->blocks(host)) << host;
  }
}

TEST_F(PipelineTest, ALostBaseIsMadeAgain) {
  start();
  const std::uint64_t base = daemon_->generation();
  daemon_->good("rule.add", {{"entry", "three.example"}});
  daemon_.reset();
  std::filesystem::remove(snapshot_name(base));
  start_control();
  EXPECT_GT(daemon_->generation(), base + 1);
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  for (const char* host : {"one.example", "three.example"}) EXPECT_TRUE(dataplane_->blocks(host)) << host;
}

// With fingerprints alone on the disk: what is in force stays, manual lists can be changed at once, feeds'
// rules keep their ids, and what needs the feeds' entries waits until they are fetched again.
TEST_F(PipelineTest, WithoutStoredEntriesTheBoxAnswersById) {
  settings_.control.entries.at_rest = config::AtRest::none;
  start();
  daemon_->good("rule.add", {{"entry", "three.example"}});
  const json ids = daemon_->good("rule.list", {{"list", "hotline"}})["rules"];
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(daemon_->code("rule.list", {{"list", "hotline"}, {"entries", true}}), "entries_not_kept");
  EXPECT_EQ(daemon_->good("rule.list", {{"list", "local"}, {"entries", true}})["rules"][0]["entry"],
            "three.example");
  for (const auto& file : std::filesystem::recursive_directory_iterator(scratch_ / "state")) {
    if (!file.is_regular_file()) continue;
    EXPECT_EQ(test::read_file(file.path()).find(".example"), std::string::npos) << file.path();
  }
  const unsigned loads = dataplane_->loads();
  const std::uint64_t before = daemon_->generation();
  daemon_.reset();
  std::filesystem::rename(feed(), scratch_ / "away");
  start_control();
  EXPECT_EQ(daemon_->generation(), before);
  EXPECT_EQ(dataplane_->loads(), loads);
  EXPECT_EQ(daemon_->good("rule.list", {{"list", "hotline"}})["rules"], ids);
  const json check = daemon_->good("check", {{"url", "two.example/page"}});
  EXPECT_EQ(check["verdict"], "block");
  EXPECT_EQ(check["kind"], "url");
  EXPECT_EQ(daemon_->good("check", {{"url", "two.example/other"}})["why"]["code"], "entries_not_kept");
  daemon_->good("rule.add", {{"entry", "four.example"}});
  EXPECT_TRUE(dataplane_->blocks("four.example"));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  // The feed is back, the same: nothing changes. Then with an entry more.
  const std::uint64_t with_four = daemon_->generation();
  std::filesystem::rename(scratch_ / "away", feed());
  EXPECT_EQ(daemon_->good("list.reload", {{"dry_run", true}})["lists"][0]["added"], 0);
  write_file(feed(), "five.example\ntwo.example/page\none.example\n");
  daemon_->good("list.reload");
  EXPECT_GT(daemon_->generation(), with_four);
  EXPECT_TRUE(dataplane_->blocks("five.example"));
  for (const json& rule : ids) {
    const bool host = rule["kind"] == "domain";
    EXPECT_EQ(daemon_->good("check", {{"url", host ? "one.example" : "two.example/page"}})["rule"],
              rule["id"]);
  }
}

// Settings changed while the entries are not at hand: what is in force stays, and the generation that is owed
// is made as soon as the feeds were fetched, also when another restart comes before that.
TEST_F(PipelineTest, WithoutStoredEntriesAChangeOfSettingsWaitsForTheFeeds) {
  settings_.control.entries.at_rest = config::AtRest::none;
  settings_.lists[0].interval = std::chrono::seconds(1);
  start();
  const std::uint64_t before = daemon_->generation();
  daemon_.reset();
  std::filesystem::rename(feed(), scratch_ / "away");
  settings_.lists.insert(settings_.lists.begin(), config::ListSettings{});
  settings_.lists[0].name = "second";
  settings_.lists[0].type = config::ListType::manual;
  settings_.lists[1].on_tls = config::OnTls::block_host;
  for (int i = 0; i < 2; ++i) {
    daemon_.emplace(settings_, "lists_incomplete");
    EXPECT_EQ(daemon_->generation(), before);
    EXPECT_TRUE(dataplane_->blocks("one.example"));
    EXPECT_EQ(daemon_->good("lists")["lists"].size(), 3U);
    EXPECT_EQ(daemon_->code("rule.add", {{"list", "second"}, {"entry", "three.example"}}),
              "lists_incomplete");
    EXPECT_EQ(daemon_->good("status")["warnings"][0]["code"], "publish_failed");
    if (i == 0) daemon_.reset();
  }
  std::filesystem::rename(scratch_ / "away", feed());
  ASSERT_TRUE(eventually([&] { return daemon_->generation() > before; }));
  EXPECT_EQ(daemon_->good("check", {{"url", "two.example"}})["by_protocol"]["tls"]["verdict"], "block");
  daemon_->good("rule.add", {{"list", "second"}, {"entry", "three.example"}});
}

// The feed brings its text only: the content is the same, and the generation that was owed is made once.
TEST_F(PipelineTest, AnOwedGenerationIsMadeOnce) {
  settings_.control.entries.at_rest = config::AtRest::none;
  start();
  const std::uint64_t before = daemon_->generation();
  daemon_.reset();
  settings_.lists[0].on_tls = config::OnTls::block_host;
  daemon_.emplace(settings_, "lists_incomplete");
  ASSERT_TRUE(eventually([&] { return dataplane_->generation() > before; }));
  // A change goes through the same thread: what the feed brought is settled before it.
  daemon_->good("rule.add", {{"entry", "three.example"}});
  EXPECT_EQ(daemon_->generation(), before + 2);
}

TEST_F(PipelineTest, ExpiredRulesLeaveByThemselves) {
  start();
  daemon_->good("rule.add", {{"entry", "three.example"}, {"expires", "1s"}});
  EXPECT_TRUE(eventually([&] { return !dataplane_->blocks("three.example"); }));
  EXPECT_TRUE(eventually([&] { return daemon_->good("rule.list", {{"list", "local"}})["rules"].empty(); }));
}

TEST_F(PipelineTest, CheckTellsProtocols) {
  start();
  struct Case {
    const char* url;
    const char* verdict;
    const char* reason;
    std::vector<std::string> protocols;
  };
  const std::vector<Case> cases{
      {"http://ONE.example:80/x/../y", "block", "listed", {"http", "h2c", "tls", "quic"}},
      {"two.example/page", "block", "listed", {"http", "h2c"}},
      {"two.example/", "pass", "no_match", {}},
  };
  for (const Case& each : cases) {
    const json answer = daemon_->good("check", {{"url", each.url}});
    EXPECT_EQ(answer["verdict"], each.verdict) << each.url;
    EXPECT_EQ(answer["reason"], each.reason) << each.url;
    EXPECT_EQ(answer["protocols"].get<std::vector<std::string>>(), each.protocols) << each.url;
  }
  EXPECT_EQ(daemon_->good("check", {{"url", "two.example/page"}})["by_protocol"]["tls"]["path_rules_unseen"],
            true);
}

TEST_F(PipelineTest, ModeAndReportsAnswer) {
  start();
  EXPECT_EQ(daemon_->good("enforcement", {{"mode", "bypass"}})["enforcement"], "bypass");
  EXPECT_EQ(daemon_->good("status")["problems"][0]["code"], "bypass");
  const json report = daemon_->good("report.enforceability");
  EXPECT_EQ(report["lists"][0]["every_protocol"], 1);
  EXPECT_EQ(report["lists"][0]["cleartext_http_only"], 1);
  EXPECT_EQ(report["lists"][0]["not_at_all"], 0);
  daemon_->good("rule.add", {{"entry", "one.example"}, {"action", "allow"}});
  const json overridden = daemon_->good("report.enforceability");
  EXPECT_EQ(overridden["lists"][0]["every_protocol"], 0);
  EXPECT_EQ(overridden["lists"][0]["overridden"], 1);
  EXPECT_EQ(overridden["lists"][0]["not_at_all"], 1);
  EXPECT_EQ(overridden["lists"][1]["allow_rules"], 1);
  EXPECT_TRUE(daemon_->good("counters").contains("families"));
  EXPECT_EQ(daemon_->good("config.check")["ok"], false);
  for (const prometheus::MetricFamily& family :
       control_metrics(settings_, *daemon_->publisher().view(), *daemon_->link().status())) {
    EXPECT_TRUE(family.name.starts_with("weir_")) << family.name;
  }
}

TEST_F(PipelineTest, UpdatesAreSerialisedAndReadsDoNotWait) {
  start();
  const std::uint64_t before = daemon_->generation();
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([this, t] {
      for (int i = 0; i < 8; ++i) {
        // handle() belongs to one thread: as the server's thread does, one call is made at a time.
        const auto answer = std::make_shared<Answer>();
        {
          const std::lock_guard lock(api_mutex_);
          daemon_->send(answer, "rule.add", {{"entry", fmt::format("h{}-{}.example", t, i)}});
        }
        const auto result = answer->wait();
        EXPECT_TRUE(result && result.value()["active"] == true);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(daemon_->generation(), before + 32);
  EXPECT_TRUE(dataplane_->blocks("h3-7.example"));
  EXPECT_EQ(daemon_->good("lists")["lists"][1]["entries"], 32);
}

TEST_F(PipelineTest, EverySnapshotHoldsTheCanary) {
  const std::string canary = "weir-canary.invalid";
  start();
  EXPECT_TRUE(dataplane_->blocks(canary));
  EXPECT_FALSE(dataplane_->blocks("weir-unlisted.invalid"));
  const json answer = daemon_->good("check", {{"url", canary}});
  EXPECT_EQ(answer["verdict"], "block");
  EXPECT_EQ(answer["list"], "selftest");
  daemon_->good("rule.add", {{"entry", "one-more.example"}});
  EXPECT_TRUE(dataplane_->blocks(canary)) << "with an overlay";
  daemon_->good("rollback");
  EXPECT_TRUE(dataplane_->blocks(canary)) << "after a rollback";
  EXPECT_EQ(daemon_->good("lists")["lists"].size(), 2U) << "it is none of the operator's lists";
}

}  // namespace
}  // namespace weir::control
