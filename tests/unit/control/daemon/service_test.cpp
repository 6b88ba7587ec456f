// The program weir-control under many clients, hostile ones among them, and under kill -9.

#include "tests/unit/control/daemon/service.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include "dataplane/rpc/unix_socket.h"
#include "tests/unit/control/updates/dataplane_end.h"

namespace weir::control {
namespace {

using nlohmann::json;
using Acknowledged = std::map<std::string, std::uint64_t>;  // rule by host

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() : dataplane_((scratch_ / "dataplane.sock").string()), service_(scratch_) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    service_.start();
  }

  /// Every acknowledged update is in the state, in force, and in a log that is whole.
  void expect_none_lost(const Acknowledged& acknowledged) {
    std::map<std::string, std::uint64_t> rules;
    json cursor = "";
    while (cursor.is_string()) {
      const auto page = service_.call("rule.list", {{"limit", 5000}, {"entries", true}, {"cursor", cursor}});
      ASSERT_TRUE(page) << page.error().message;
      for (const json& rule : page.value()["rules"]) rules[rule["entry"]] = rule["id"];
      cursor = page.value()["cursor"];
    }
    std::set<std::uint64_t> recorded;
    const auto audit = service_.call("audit", {{"limit", 1000}});
    ASSERT_TRUE(audit) << audit.error().message;
    for (const json& record : audit.value()["records"]) {
      if (record["method"] == "rule.add" && record["outcome"] == "ok")
        recorded.insert(record["rule"].get<std::uint64_t>());
    }
    for (const auto& [host, rule] : acknowledged) {
      EXPECT_EQ(rules[host], rule) << host;
      EXPECT_TRUE(dataplane_.blocks(host)) << host;
      EXPECT_EQ(recorded.count(rule), 1U) << host;
    }
    const auto report = service_.call("audit.verify");
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report.value()["whole"], true) << report.value().dump();
  }

  test::Scratch scratch_;
  test::DataplaneEnd dataplane_;
  test::Service service_;
};

TEST_F(ServiceTest, AHundredClientsAtOnceLoseNothing) {
  constexpr int clients = 100;
  constexpr int updates = 2;
  std::mutex mutex;
  Acknowledged acknowledged;
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (int t = 0; t < clients; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < updates; ++i) {
        const std::string host = fmt::format("h{}-{}.example", t, i);
        const auto added = service_.call("rule.add", {{"entry", host}});
        ASSERT_TRUE(added) << added.error().code << " " << added.error().message;
        EXPECT_EQ(added.value()["active"], true);
        const std::lock_guard lock(mutex);
        acknowledged[host] = added.value()["rule"];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(acknowledged.size(), std::size_t{clients} * updates);
  expect_none_lost(acknowledged);
  EXPECT_EQ(service_.end(SIGTERM), 0);
}

TEST_F(ServiceTest, NothingAcknowledgedIsLostToKills) {
  constexpr int clients = 10;
  constexpr std::size_t rounds = 6;
  std::mutex mutex;
  Acknowledged acknowledged;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(clients);
  for (int t = 0; t < clients; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop.load(); ++i) {
        const std::string host = fmt::format("h{}-{}.example", t, i);
        const auto added = service_.call("rule.add", {{"entry", host}});
        if (!added) {  // it was killed: whether the entry is there is not known
          ::usleep(5000);
          continue;
        }
        const std::lock_guard lock(mutex);
        acknowledged[host] = added.value()["rule"];
      }
    });
  }
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return acknowledged.size();
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::size_t before = count();
    while (count() < before + 5) ::usleep(1000);
    ::usleep(static_cast<useconds_t>(3000 * round));  // at another place of the work each time
    service_.end(SIGKILL);
    service_.start();
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(acknowledged.size(), 5 * rounds);
  expect_none_lost(acknowledged);
}

// 1000 silent clients, and others that send half calls, floods and junk, and never read the answers:
// everybody else is served.
TEST_F(ServiceTest, IdleAndHostileClientsBlockNobody) {
  std::vector<base::FileDescriptor> held;
  const auto connect = [&]() -> int {
    for (int i = 0; i < 1000; ++i) {
      auto socket = rpc::connect_to(service_.socket());
      if (socket && socket.value()) {
        held.push_back(std::move(*socket.value()));
        return held.back().get();
      }
      ::usleep(1000);  // the queue of the listener is full
    }
    ADD_FAILURE() << "cannot connect";
    return -1;
  };
  for (int i = 0; i < 1000; ++i) connect();
  const std::string half = R"({"jsonrpc":"2.0","id":1,"method":"rule.add","params":{"entry":"half.exa)";
  const std::string nested(100000, '[');
  const std::string flood = R"({"jsonrpc":"2.0","id":1,"method":"status"})"
                            "\n";
  std::vector<int> floods;
  for (int i = 0; i < 10; ++i) {
    rpc::send_some(connect(), half);
    rpc::send_some(connect(), nested + "\n");
    rpc::send_some(connect(), std::string("\0\xff\n{}\n[]\n1\n", 12));
    rpc::send_some(connect(), std::string(200000, 'x'));
    floods.push_back(connect());
  }
  for (int round = 0; round < 10; ++round) {
    for (const int socket : floods) {
      for (int i = 0; i < 200; ++i) rpc::send_some(socket, flood);  // whose answers nobody reads
    }
    const auto status = service_.call("status");
    ASSERT_TRUE(status) << status.error().message;
    const auto added = service_.call("rule.add", {{"entry", fmt::format("h{}.example", round)}});
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(added.value()["active"], true);
    ASSERT_TRUE(service_.call("list.reload"));
  }
  EXPECT_EQ(service_.end(SIGTERM), 0);
}

// A new configuration applies at once, also to open connections. A wrong one changes nothing. Settings that
// need a restart are named.
TEST_F(ServiceTest, ReadsTheConfigurationAgain) {
  ASSERT_TRUE(service_.call("rule.add", {{"entry", "one.example"}}));
  auto follower = rpc::Client::connect(service_.socket(), std::chrono::milliseconds(5000));
  ASSERT_TRUE(follower);
  ASSERT_TRUE(follower.value().call("events.follow", json::object(), std::chrono::milliseconds(5000)));
  const std::uint64_t before = service_.call("status").value()["generation"];
  const auto unchanged = service_.call("reconfigure");
  ASSERT_TRUE(unchanged) << unchanged.error().message;
  EXPECT_EQ(unchanged.value()["changed"], json::array());
  EXPECT_EQ(unchanged.value()["generation"], before);
  EXPECT_EQ(unchanged.value()["dataplane"]["error"]["code"], "method_not_found");

  // The dataplane's answer decides about its part of the file.
  dataplane_.answer_reload_with({{"changed", {"dataplane.block.http.reason", "dataplane.idle"}},
                                 {"needs_restart", {"dataplane.idle"}},
                                 {"page", true}});
  const auto page = service_.call("reconfigure");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page.value()["changed"], (json{"dataplane.block.http.reason", "dataplane.idle"}));
  EXPECT_EQ(page.value()["needs_restart"], json::array({"dataplane.idle"}));
  EXPECT_EQ(page.value()["dataplane"]["page"], true);
  dataplane_.answer_reload_with(nullptr);

  test::write_file(service_.path("feed"), "two.example\n");
  const std::string feed =
      "  - {name: hotline, url: \"file://" + service_.path("feed").string() + "\", interval: 10s}\n";
  service_.configure(feed, "  keep_generations: 7\n  audit: {files: 3}\n");
  const auto changed = service_.call("reconfigure");
  ASSERT_TRUE(changed) << changed.error().message;
  EXPECT_EQ(changed.value()["changed"],
            (json{"control.keep_generations", "control.audit.files", "lists[hotline]"}));
  EXPECT_EQ(changed.value()["needs_restart"], json::array({"control.audit.files"}));
  EXPECT_GT(changed.value()["generation"], before);
  ASSERT_TRUE(service_.call("list.reload", {{"list", "hotline"}}));
  EXPECT_TRUE(dataplane_.blocks("one.example"));
  EXPECT_TRUE(dataplane_.blocks("two.example"));

  const std::uint64_t after = service_.call("status").value()["generation"];
  service_.configure("  - {name: hotline, url: http://plain.example/}\n");
  const auto wrong = service_.call("reconfigure");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "config_invalid");
  EXPECT_NE(wrong.error().message.find("weir.yaml:"), std::string::npos) << wrong.error().message;
  EXPECT_EQ(service_.call("status").value()["generation"], after);
  EXPECT_EQ(service_.call("lists").value()["lists"].size(), 2U);

  dataplane_.put_event({{"time", 1.5}, {"rule", 1}, {"list", "local"}, {"protocol", "tls"}});
  const auto event = follower.value().next_event(std::chrono::milliseconds(60000));
  ASSERT_TRUE(event && event.value()) << "the follower was forgotten";
  EXPECT_EQ(json::parse(event.value()->params)["events"][0]["rule"], 1);
  service_.configure("");
  ASSERT_TRUE(service_.call("reconfigure"));
  EXPECT_FALSE(dataplane_.blocks("two.example"));
  expect_none_lost({{"one.example", 1}});
  EXPECT_EQ(service_.end(SIGTERM), 0);
}

// SIGHUP does what the method `reconfigure` does, for the daemon's own user. The method's old name still
// works.
TEST_F(ServiceTest, SighupReconfigures) {
  test::write_file(service_.path("feed"), "two.example\n");
  service_.configure("  - {name: hotline, url: \"file://" + service_.path("feed").string() + "\"}\n");
  service_.signal(SIGHUP);
  const auto applied = [&] {
    return service_.call("lists").value()["lists"].size() == 2U && dataplane_.blocks("two.example");
  };
  for (int i = 0; i < 1500 && !applied(); ++i) ::usleep(20000);
  EXPECT_TRUE(applied());
  service_.configure("  - {name: hotline, url: http://plain.example/}\n");
  service_.signal(SIGHUP);
  const auto reconfigurations = [&] {
    json found = json::array();
    const json answer = service_.call("audit").value();
    for (const json& record : answer["records"]) {
      if (record["method"] == "reconfigure") found.push_back(record);
    }
    return found;
  };
  for (int i = 0; i < 1500 && reconfigurations().size() < 2; ++i) ::usleep(20000);
  const json records = reconfigurations();
  ASSERT_EQ(records.size(), 2U);
  std::set<json> outcomes;
  for (const json& record : records) {
    EXPECT_EQ(record["uid"], ::getuid());
    outcomes.insert(record["outcome"]);
  }
  EXPECT_EQ(outcomes, (std::set<json>{"ok", "config_invalid"}));
  EXPECT_EQ(service_.call("lists").value()["lists"].size(), 2U) << "a wrong file changes nothing";

  service_.configure("");
  EXPECT_TRUE(service_.call("config.reload"));
  EXPECT_EQ(reconfigurations().size(), 3U) << "the record has the new name";
  EXPECT_EQ(service_.call("lists").value()["lists"].size(), 1U);
  EXPECT_EQ(service_.end(SIGTERM), 0);
}

// SIGUSR1 makes every feed due, long before its interval has passed.
TEST_F(ServiceTest, Sigusr1ChecksEveryFeed) {
  test::write_file(service_.path("feed"), "two.example\n");
  service_.configure("  - {name: hotline, url: \"file://" + service_.path("feed").string() + "\"}\n");
  ASSERT_TRUE(service_.call("reconfigure"));
  ASSERT_TRUE(service_.call("list.reload"));
  const auto last_attempt = [&] {
    return service_.call("lists").value()["lists"][1]["last_attempt"].get<std::int64_t>();
  };
  const std::int64_t before = last_attempt();
  for (int i = 0; i < 1500 && last_attempt() == before; ++i) {
    service_.signal(SIGUSR1);
    ::usleep(20000);
  }
  EXPECT_GT(last_attempt(), before);
  EXPECT_EQ(service_.end(SIGTERM), 0);
}

// Calls that arrive while the configuration is read again are answered under the old one or the new one; none
// is lost.
TEST_F(ServiceTest, UpdatesAndReconfigurationsTakeTurns) {
  std::mutex mutex;
  Acknowledged acknowledged;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 6; ++i) {
        const std::string host = fmt::format("h{}-{}.example", t, i);
        const auto added = service_.call("rule.add", {{"entry", host}});
        ASSERT_TRUE(added) << added.error().code << " " << added.error().message;
        const std::lock_guard lock(mutex);
        acknowledged[host] = added.value()["rule"];
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    service_.configure("", fmt::format("  keep_generations: {}\n", 5 + i));
    const auto reloaded = service_.call("reconfigure");
    EXPECT_TRUE(reloaded) << reloaded.error().message;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(acknowledged.size(), 48U);
  expect_none_lost(acknowledged);
}

TEST_F(ServiceTest, AWrongKeyStopsTheStartAndTheListStaysInForce) {
  ASSERT_TRUE(service_.call("rule.add", {{"entry", "one.example"}}));
  EXPECT_EQ(service_.end(SIGTERM), 0);
  const auto key = service_.path("state/entries.key");
  const std::string before = test::read_file(key);
  test::write_file(key, std::string(64, '1') + "\n");
  const std::string command =
      fmt::format("{}/weir-control --config {} 2>{}", WEIR_PROGRAMS, service_.path("weir.yaml").string(),
                  service_.path("errors").string());
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  const std::string said = test::read_file(service_.path("errors"));
  EXPECT_NE(said.find("is encrypted with key"), std::string::npos) << said;
  EXPECT_TRUE(dataplane_.blocks("one.example"));
  test::write_file(key, before);
  service_.start();
  expect_none_lost({{"one.example", 1}});
}

}  // namespace
}  // namespace weir::control
