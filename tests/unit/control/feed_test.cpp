#include "control/feed.h"

#include <future>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/control/scratch.h"

namespace weir::control {
namespace {

config::ListSettings file_list(const std::filesystem::path& path) {
  config::ListSettings list;
  list.name = "hotline";
  list.url = "file://" + path.string();
  return list;
}

TEST(Fetch, ReadsFiles) {
  const test::Scratch scratch;
  const std::atomic<bool> stop{false};
  test::write_file(scratch / "a list", "one.example\n");
  config::ListSettings list = file_list(scratch / "a list");
  EXPECT_EQ(fetch(list, {}, stop).value().bytes, "one.example\n");
  list.url = "file://" + (scratch / "a%20list").string();
  EXPECT_EQ(fetch(list, {}, stop).value().bytes, "one.example\n");
  EXPECT_EQ(fetch(file_list(scratch / "none"), {}, stop).error().code, "fetch_io");
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(fetch(file_list(scratch / "fifo"), {}, stop).error().code, "fetch_io");
}

TEST(Fetch, SpeaksHttpsAlone) {
  const std::atomic<bool> stop{false};
  config::ListSettings list;
  for (const char* url : {"http://127.0.0.1:1/list", "ftp://127.0.0.1/list", "list.txt", ""}) {
    list.url = url;
    EXPECT_EQ(fetch(list, {}, stop).error().code, "fetch_url") << url;
  }
}

TEST(Fetch, TellsWhatFailed) {
  const FetchLibrary library;
  const std::atomic<bool> stop{false};
  config::ListSettings list;
  list.url = "https://127.0.0.1:1/list?token=secret";
  const auto refused = fetch(list, {}, stop);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "fetch_connect");
  EXPECT_EQ(refused.error().message.find("secret"), std::string::npos);
  list.auth.type = config::AuthType::bearer;
  list.auth.token_file = "/nonexistent/token";
  EXPECT_EQ(fetch(list, {}, stop).error().code, "fetch_secret");
}

TEST(DescribeSource, Table) {
  struct Case {
    const char* url;
    const char* described;
  };
  for (const Case& each : {Case{"file:///etc/weir/list%201.txt", "/etc/weir/list 1.txt"},
                           Case{"https://feed.example/list", "https://feed.example/list"},
                           Case{"https://user:pass@feed.example/list", "https://feed.example/list"},
                           Case{"https://feed.example/list?key=k#f", "https://feed.example/list"},
                           Case{"https://feed.example/a@b", "https://feed.example/a@b"},
                           Case{"https://user@feed.example", "https://feed.example"}}) {
    config::ListSettings list;
    list.url = each.url;
    EXPECT_EQ(describe_source(list), each.described);
  }
}

TEST(Feed, RunsWhenDueAndWhenAskedAndEndsAtOnce) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\n");
  const config::ListSettings list = file_list(scratch / "list");
  std::promise<FeedOutcome> scheduled;
  Feed feed(3, list, "", [&](FeedOutcome&& outcome) { scheduled.set_value(std::move(outcome)); });
  feed.start({}, "", std::chrono::milliseconds(0));
  const FeedOutcome first = scheduled.get_future().get();
  EXPECT_EQ(first.list, 3U);
  EXPECT_FALSE(first.error);
  EXPECT_FALSE(first.unchanged);
  EXPECT_EQ(first.parsed.rules.size(), 1U);
  feed.settle(first.validators, first.source_digest, true);
  // Asked for: read again although nothing changed.
  std::promise<FeedOutcome> asked;
  feed.run_now([&](FeedOutcome&& outcome) { asked.set_value(std::move(outcome)); });
  EXPECT_FALSE(asked.get_future().get().unchanged);
}

TEST(Feed, SeesThatNothingChanged) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\n");
  const config::ListSettings list = file_list(scratch / "list");
  std::vector<std::promise<FeedOutcome>> runs(2);
  std::size_t run = 0;
  Feed feed(0, list, "", [&](FeedOutcome&& outcome) { runs[run++].set_value(std::move(outcome)); });
  feed.start({}, "", std::chrono::milliseconds(0));
  const FeedOutcome first = runs[0].get_future().get();
  feed.settle({}, first.source_digest, true);
  feed.make_due();
  EXPECT_TRUE(runs[1].get_future().get().unchanged);
}

}  // namespace
}  // namespace weir::control
