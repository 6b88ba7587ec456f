// The changes of a feed, from their file to the dataplane's end of the socket and to the state on disk.

#include <gtest/gtest.h>

#include "tests/unit/control/updates/pipeline_fixture.h"

namespace weir::control {
namespace {

/// A feed of whole lists and changes, as files.
class DeltaPipelineTest : public PipelineTest {
 protected:
  DeltaPipelineTest() {
    config::ListSettings& list = settings_.lists[0];
    list.format = config::ListFormat::json;
    list.json.entries = "/urls";
    list.delta.url = "file://" + (scratch_ / "changes-{token}").string();
    list.interval = std::chrono::seconds(1);
    whole(1, {"one.example", "two.example/page"});
    changes(1, 1, {}, {});
  }
  void whole(int token, const json& urls) { put("feed", {{"token", token}, {"urls", urls}}); }
  void changes(int since, int token, const json& added, const json& removed) {
    put(fmt::format("changes-{}", since),
        {{"since", since}, {"token", token}, {"added", added}, {"removed", removed}});
  }
  json list_report() { return daemon_->good("lists")["lists"][0]; }
  ListState list_on_disk() {
    std::vector<std::string> remarks;
    return daemon_->publisher().store().load(remarks).state.lists[0];
  }

 private:
  void put(const std::string& name, const json& document) {
    write_file(scratch_ / "fresh", document.dump());
    std::filesystem::rename(scratch_ / "fresh", scratch_ / name);
  }
};

TEST_F(DeltaPipelineTest, ChangesReachTheDataplaneAndSurviveARestart) {
  start();
  EXPECT_EQ(list_report()["delta"]["ready"], true);
  const json rules = daemon_->good("rule.list", {{"list", "hotline"}})["rules"];
  changes(2, 2, json::array(), json::array());
  changes(1, 2, {"added.example"}, {"two.example/page"});
  ASSERT_TRUE(eventually([&] { return dataplane_->blocks("added.example"); }));
  EXPECT_FALSE(dataplane_->blocks("two.example/page"));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  // What was there keeps its id.
  EXPECT_EQ(daemon_->good("rule.list", {{"list", "hotline"}})["rules"][0]["id"], rules[0]["id"]);
  EXPECT_EQ(list_report()["delta"]["error"], nullptr);
  const json full = list_report()["delta"]["last_full"];
  // The token on disk is that of the entries on disk.
  ASSERT_TRUE(eventually([&] { return list_on_disk().token == "2"; }));
  const std::uint64_t kept = list_on_disk().content;
  EXPECT_TRUE(eventually([&] { return daemon_->publisher().view()->state.lists[0].content == kept; }));

  daemon_.reset();
  changes(2, 3, {"third.example"}, {"added.example"});
  changes(3, 3, json::array(), json::array());
  daemon_.emplace(settings_);
  ASSERT_TRUE(eventually([&] { return dataplane_->blocks("third.example"); }));
  EXPECT_FALSE(dataplane_->blocks("added.example"));
  EXPECT_TRUE(dataplane_->blocks("one.example"));
  EXPECT_EQ(list_report()["delta"]["last_full"], full);
}

TEST_F(DeltaPipelineTest, ChangesThatDoNotFitAreSaidAndTheListComesWhole) {
  start();
  whole(5, {"one.example", "five.example"});
  changes(5, 5, json::array(), json::array());
  changes(1, 2, {"added.example"}, {"nowhere.example"});
  ASSERT_TRUE(eventually([&] { return dataplane_->blocks("five.example"); }));
  EXPECT_FALSE(dataplane_->blocks("added.example"));
  // The status shows it until changes can be used again.
  ASSERT_TRUE(eventually([&] { return list_on_disk().token == "5"; }));
  ASSERT_TRUE(eventually([&] { return list_report()["delta"]["error"].is_null(); }));
}

TEST_F(DeltaPipelineTest, ARollbackHoldsUntilTheTokenChanges) {
  start();
  whole(2, {"one.example", "two.example/page", "bad.example"});
  changes(2, 2, json::array(), json::array());
  changes(1, 2, {"bad.example"}, json::array());
  ASSERT_TRUE(eventually([&] { return dataplane_->blocks("bad.example"); }));
  ASSERT_TRUE(eventually([&] { return list_on_disk().token == "2"; }));
  daemon_->good("rollback");
  EXPECT_FALSE(dataplane_->blocks("bad.example"));
  EXPECT_FALSE(list_on_disk().token);
  const auto attempts = [&] { return list_report()["last_attempt"].get<std::int64_t>(); };
  const std::int64_t begin = attempts();
  ASSERT_TRUE(eventually([&] { return attempts() >= begin + 3; }));
  EXPECT_FALSE(dataplane_->blocks("bad.example"));
  whole(3, {"one.example", "repaired.example"});
  changes(3, 3, json::array(), json::array());
  EXPECT_TRUE(eventually([&] { return dataplane_->blocks("repaired.example"); }));
  EXPECT_FALSE(dataplane_->blocks("bad.example"));
}

}  // namespace
}  // namespace weir::control
