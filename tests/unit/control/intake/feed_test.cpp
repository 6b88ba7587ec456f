#include "control/intake/feed.h"

#include <future>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "control/intake/feed_verification.h"
#include "control/intake/source_digest.h"
#include "tests/support/scratch.h"

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

TEST(VerifyFeed, LooksBesideTheListAndWhereItIsTold) {
  const test::Scratch scratch;
  const std::atomic<bool> stop{false};
  constexpr std::string_view kText = "one.example\n";
  const std::string sum = "a6ceab197d52482aec09930fdb1d4a6447d7c3035dc55850bcaec528c8edc980";
  config::ListSettings list = file_list(scratch / "list");
  EXPECT_TRUE(verify_feed(list, kText, stop));
  list.verify.type = config::VerifyType::sha256;
  EXPECT_EQ(verify_feed(list, kText, stop).error().code, "fetch_io");
  test::write_file(scratch / "list.sha256", sum + "  list\n");
  const auto verified = verify_feed(list, kText, stop);
  EXPECT_TRUE(verified) << verified.error().message;
  const auto refused = verify_feed(list, "two.example\n", stop);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "verify_digest");
  EXPECT_NE(refused.error().message.find("list.sha256: "), std::string::npos);
  test::write_file(scratch / "sums", sum + "  list\n");
  list.verify.url = "file://" + (scratch / "sums").string();
  list.url = "file://" + (scratch / "elsewhere").string();
  EXPECT_TRUE(verify_feed(list, kText, stop));
  list.verify.type = config::VerifyType::minisign;
  EXPECT_EQ(verify_feed(list, kText, stop).error().code, "verify_key");
}

TEST(CheckNotOlder, Table) {
  struct Case {
    const char* description;
    config::ListFormat format;
    Edition fresh;
    Edition earlier;
    bool good;
  };
  using config::ListFormat;
  const auto signed_at = [](std::uint64_t time, std::optional<std::uint64_t> number) {
    return Edition{.serial = {}, .signed_serial = number, .signed_unix_seconds = time};
  };
  const auto serial = [](std::uint64_t number) {
    return Edition{.serial = number, .signed_serial = {}, .signed_unix_seconds = {}};
  };
  for (const Case& each : {
           Case{"no serial", ListFormat::plain, {}, {}, true},
           Case{"the first serial", ListFormat::json, serial(7), {}, true},
           Case{"no serial any more", ListFormat::json, {}, serial(7), false},
           Case{"newer", ListFormat::json, serial(8), serial(7), true},
           Case{"the same", ListFormat::json, serial(7), serial(7), true},
           Case{"older", ListFormat::json, serial(6), serial(7), false},
           Case{"no wrap", ListFormat::json, serial(1), serial(4294967295), false},
           Case{"rpz wraps", ListFormat::rpz, serial(1), serial(4294967295), true},
           Case{"rpz, older", ListFormat::rpz, serial(4294967295), serial(1), false},
           Case{"signed before", ListFormat::plain, signed_at(1, {}), signed_at(2, {}), false},
           Case{"signed later", ListFormat::plain, signed_at(3, {}), signed_at(2, {}), true},
           Case{"a signed serial", ListFormat::plain, signed_at(3, 1), signed_at(2, 2), false},
       }) {
    config::ListSettings list;
    list.format = each.format;
    const auto status = check_not_older(list, each.fresh, each.earlier);
    EXPECT_EQ(status.ok(), each.good) << each.description;
    if (!status) {
      EXPECT_EQ(status.error().code, "guard_older");
    }
    list.guards.refuse_older = false;
    EXPECT_TRUE(check_not_older(list, each.fresh, each.earlier)) << each.description;
  }
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
  feed.start({}, std::chrono::milliseconds(0));
  const FeedOutcome first = scheduled.get_future().get();
  EXPECT_EQ(first.list, 3U);
  EXPECT_EQ(first.failure(), nullptr);
  ASSERT_NE(first.list_read(), nullptr);
  EXPECT_EQ(first.list_read()->parsed.rules.size(), 1U);
  feed.settle(first.news()->record, true);
  // On request it is read again although nothing changed.
  std::promise<FeedOutcome> asked;
  feed.run_now([&](FeedOutcome&& outcome) { asked.set_value(std::move(outcome)); });
  EXPECT_NE(asked.get_future().get().list_read(), nullptr);
}

TEST(Feed, SeesThatNothingChanged) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\n");
  const config::ListSettings list = file_list(scratch / "list");
  std::vector<std::promise<FeedOutcome>> runs(2);
  std::size_t run = 0;
  Feed feed(0, list, "", [&](FeedOutcome&& outcome) { runs[run++].set_value(std::move(outcome)); });
  feed.start({}, std::chrono::milliseconds(0));
  const FeedOutcome first = runs[0].get_future().get();
  feed.settle(first.news()->record, true);
  feed.make_due();
  EXPECT_NE(runs[1].get_future().get().unchanged(), nullptr);
}

TEST(Feed, ReadsTheSameBytesAgainWithOtherSettings) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\n");
  config::ListSettings list = file_list(scratch / "list");
  std::optional<FetchRecord> in_force;
  const auto run = [&] {
    std::promise<FeedOutcome> done;
    Feed feed(0, list, "", [&](FeedOutcome&& outcome) { done.set_value(std::move(outcome)); });
    feed.start(in_force, in_force ? std::chrono::hours(1) : std::chrono::hours(0));
    return done.get_future().get();
  };
  const FeedOutcome plain = run();
  in_force = plain.news()->record;
  list.format = config::ListFormat::csv;
  list.csv.url_column = "1";
  // At once, although it is due in an hour.
  const FeedOutcome table = run();
  ASSERT_NE(table.list_read(), nullptr);
  EXPECT_EQ(table.list_read()->parsed.rules.size(), 0U);
  EXPECT_FALSE(same_reading(plain.news()->record.digest, table.news()->record.digest));
}

TEST(Feed, ReadsTheSameBytesAgainWithOtherProtectedHosts) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\ntwo.example\n");
  test::write_file(scratch / "protected", "# none\n");
  const config::ListSettings list = file_list(scratch / "list");
  std::vector<std::promise<FeedOutcome>> runs(4);
  std::size_t run = 0;
  std::optional<FetchRecord> in_force;
  {
    Feed feed(0, list, scratch / "protected",
              [&](FeedOutcome&& outcome) { runs[run++].set_value(std::move(outcome)); });
    feed.start({}, std::chrono::milliseconds(0));
    const FeedOutcome open = runs[0].get_future().get();
    ASSERT_NE(open.list_read(), nullptr);
    EXPECT_EQ(open.list_read()->parsed.rules.size(), 2U);
    feed.settle(open.news()->record, true);
    test::write_file(scratch / "protected", "one.example\n");
    feed.make_due();
    const FeedOutcome kept = runs[1].get_future().get();
    ASSERT_NE(kept.list_read(), nullptr);
    EXPECT_EQ(kept.list_read()->parsed.rules.size(), 1U);
    EXPECT_TRUE(same_reading(open.news()->record.digest, kept.news()->record.digest))
        << "otherwise an older list would pass";
    feed.settle(kept.news()->record, true);
    feed.make_due();
    EXPECT_NE(runs[2].get_future().get().unchanged(), nullptr);
    in_force = kept.news()->record;
  }
  // A start afterwards: at once, although it is due in an hour.
  test::write_file(scratch / "protected", "two.example\n");
  Feed feed(0, list, scratch / "protected",
            [&](FeedOutcome&& outcome) { runs[run++].set_value(std::move(outcome)); });
  feed.start(in_force, std::chrono::hours(1));
  EXPECT_NE(runs[3].get_future().get().list_read(), nullptr);
}

TEST(Feed, SeesThatAFileChanges) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", "one.example\n");
  const config::ListSettings list = file_list(scratch / "list");
  std::vector<std::promise<FeedOutcome>> runs(4);
  std::size_t run = 0;
  Feed feed(0, list, "", [&](FeedOutcome&& outcome) { runs[run++].set_value(std::move(outcome)); });
  feed.start({}, std::chrono::milliseconds(0));
  const FeedOutcome first = runs[0].get_future().get();
  // During a run: another one follows it.
  test::write_file(scratch / "fresh", "two.example/a\n");
  std::filesystem::rename(scratch / "fresh", scratch / "list");
  feed.settle(first.news()->record, true);
  const FeedOutcome second = runs[1].get_future().get();
  EXPECT_NE(second.list_read(), nullptr);
  feed.settle(second.news()->record, true);
  // In place.
  test::write_file(scratch / "list", "three.example\n");
  EXPECT_NE(runs[2].get_future().get().list_read(), nullptr);
}

TEST(FileWatch, SeesAFileThatComesWithItsDirectory) {
  const test::Scratch scratch;
  std::promise<void> seen;
  const FileWatch watch(scratch / "feeds" / "list", [&] { seen.set_value(); });
  std::filesystem::create_directory(scratch / "fresh");
  test::write_file(scratch / "fresh" / "list", "one.example\n");
  std::filesystem::rename(scratch / "fresh", scratch / "feeds");
  EXPECT_EQ(seen.get_future().wait_for(std::chrono::minutes(2)), std::future_status::ready);
}

TEST(Feed, TellsTheEditionOfAList) {
  const test::Scratch scratch;
  test::write_file(scratch / "list", R"({"serial": 7, "urls": ["one.example"]})");
  config::ListSettings list = file_list(scratch / "list");
  list.format = config::ListFormat::json;
  list.json = {.entries = "/urls", .url = "", .serial = "/serial"};
  std::promise<FeedOutcome> done;
  Feed feed(0, list, "", [&](FeedOutcome&& outcome) { done.set_value(std::move(outcome)); });
  feed.start({}, std::chrono::milliseconds(0));
  EXPECT_EQ(done.get_future().get().news()->edition.serial, 7U);
}

}  // namespace
}  // namespace weir::control
