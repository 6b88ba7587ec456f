#include "control/api/event_hub.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::control {
namespace {

using nlohmann::json;

/// A client that may stop to read, or go.
class Client : public rpc::Responder {
 public:
  void result(const json&) override { following.store(true); }
  void fail(const base::Error& error) override { FAIL() << error.message; }
  void notify(std::string_view method, const json& params) override {
    EXPECT_EQ(method, "events");
    const std::lock_guard lock(mutex);
    for (const json& event : params.at("events")) rules.push_back(event.at("rule").get<int>());
    lost += params.at("lost").get<std::uint64_t>();
  }
  [[nodiscard]] bool alive() const override { return there.load(); }
  [[nodiscard]] std::size_t unsent_bytes() const override { return unsent.load(); }
  std::size_t got() {
    const std::lock_guard lock(mutex);
    return rules.size();
  }

  std::atomic<bool> following{false};
  std::atomic<bool> there{true};
  std::atomic<std::size_t> unsent{0};
  std::mutex mutex;
  std::vector<int> rules;
  std::uint64_t lost = 0;
};

/// The dataplane: gives what was put in.
class Events {
 public:
  base::Result<json> take(bool skip) {
    const std::lock_guard lock(mutex_);
    ++asked_;
    if (down_) return base::Error{"dataplane_down", "nobody answers"};
    json answer{{"events", json::array()}, {"lost", skip ? 0 : lost_}};
    if (!skip) answer["events"] = waiting_;
    waiting_ = json::array();
    lost_ = 0;
    return answer;
  }
  void put(int rule, std::uint64_t lost = 0) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({{"time", 1.5}, {"rule", rule}, {"list", "l"}, {"protocol", "tls"}});
    lost_ += lost;
  }
  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  unsigned asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  json waiting_ = json::array();
  std::uint64_t lost_ = 0;
  bool down_ = false;
  unsigned asked_ = 0;
};

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    ::usleep(10000);
  }
  return false;
}

class EventHubTest : public ::testing::Test {
 protected:
  EventHubTest() : hub_([this](bool skip) { return events_.take(skip); }) { hub_.start(); }
  std::shared_ptr<Client> follow(unsigned uid = 0) {
    auto client = std::make_shared<Client>();
    const unsigned asked = events_.asked();
    EXPECT_TRUE(hub_.follow(uid, client).ok());
    EXPECT_TRUE(client->following.load());
    EXPECT_TRUE(eventually([&] { return events_.asked() > asked + 1; }));  // past what was there before
    return client;
  }

  Events events_;
  EventHub hub_;
};

TEST_F(EventHubTest, FollowersGetWhatHappensFromThenOn) {
  events_.put(1);  // before anybody follows
  const auto first = follow();
  events_.put(2);
  ASSERT_TRUE(eventually([&] { return first->got() == 1; }));
  const auto second = follow();
  events_.put(3, 7);
  ASSERT_TRUE(eventually([&] { return first->got() == 2 && second->got() == 1; }));
  EXPECT_EQ(first->rules, (std::vector<int>{2, 3}));
  EXPECT_EQ(second->rules, (std::vector<int>{3}));
  EXPECT_EQ(first->lost, 7U);
}

TEST_F(EventHubTest, ASlowFollowerLosesEventsAloneAndIsTold) {
  const auto slow = follow();
  const auto quick = follow();
  slow->unsent.store(EventHub::kMaxBacklogBytes + 1);
  for (int i = 0; i < 5; ++i) events_.put(i);
  ASSERT_TRUE(eventually([&] { return quick->got() == 5; }));
  EXPECT_EQ(slow->got(), 0U);
  slow->unsent.store(0);
  events_.put(5);
  ASSERT_TRUE(eventually([&] { return slow->got() == 1; }));
  EXPECT_EQ(slow->rules, (std::vector<int>{5}));
  EXPECT_EQ(slow->lost, 5U);
}

TEST_F(EventHubTest, ADataplaneThatIsAwayIsAskedAgain) {
  const auto client = follow();
  events_.set_down(true);
  const unsigned asked = events_.asked();
  ASSERT_TRUE(eventually([&] { return events_.asked() > asked + 2; }));
  events_.set_down(false);
  events_.put(1);
  EXPECT_TRUE(eventually([&] { return client->got() == 1; }));
}

TEST_F(EventHubTest, FollowersAreBoundedForEachUserAndInAll) {
  std::vector<std::shared_ptr<Client>> clients;
  for (std::size_t i = 0; i < EventHub::kMaxFollowers; ++i) {
    const auto uid = static_cast<unsigned>(i / EventHub::kMaxFollowersOfUser);
    clients.push_back(std::make_shared<Client>());
    ASSERT_TRUE(hub_.follow(uid, clients.back()).ok()) << i;
    if ((i + 1) % EventHub::kMaxFollowersOfUser == 0) {
      const auto refused = hub_.follow(uid, std::make_shared<Client>());
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, "busy");
    }
  }
  EXPECT_EQ(hub_.follow(1000, std::make_shared<Client>()).error().code, "busy");
  // One that went makes room.
  clients[3]->there.store(false);
  EXPECT_TRUE(hub_.follow(0, std::make_shared<Client>()).ok());
}

TEST_F(EventHubTest, NobodyFollowsNobodyAsks) {
  const auto client = follow();
  client->there.store(false);
  unsigned asked = 0;
  // Two looks with none in between: it waits for a follower.
  EXPECT_TRUE(eventually([&] {
    const unsigned before = asked;
    asked = events_.asked();
    ::usleep(500000);
    return before == asked && events_.asked() == asked;
  }));
  EXPECT_EQ(client.use_count(), 1);
}

}  // namespace
}  // namespace weir::control
