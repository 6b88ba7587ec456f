#include "control/api/event_hub.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace weir::control {
namespace {

using nlohmann::json;

// Each worker keeps 1023 events: at this interval enough for some thousand blocked requests a second.
constexpr std::chrono::milliseconds kInterval{200};

}  // namespace

void EventHub::start() {
  thread_ = std::thread([this] { loop(); });
}

void EventHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    followers_.clear();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

base::Status EventHub::follow(unsigned uid, const std::shared_ptr<rpc::Responder>& responder) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(followers_, [](const Follower& follower) { return !follower.responder->alive(); });
    const auto own = std::count_if(followers_.begin(), followers_.end(),
                                   [uid](const Follower& follower) { return follower.uid == uid; });
    if (stop_ || followers_.size() >= kMaxFollowers || static_cast<std::size_t>(own) >= kMaxFollowersOfUser) {
      return base::Error{
          "busy", fmt::format("{} clients follow the events already, {} of them run by uid {}: end one",
                              followers_.size(), own, uid)};
    }
    responder->result({{"following", true}});
    followers_.push_back({.uid = uid, .responder = responder});
  }
  wake_.notify_all();
  return base::ok_status();
}

void EventHub::loop() {
  bool skip = true;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    std::erase_if(followers_, [](const Follower& follower) { return !follower.responder->alive(); });
    if (followers_.empty()) {
      skip = true;
      wake_.wait(lock, [this] { return stop_ || !followers_.empty(); });
      continue;
    }
    lock.unlock();
    const auto taken = source_(skip);
    lock.lock();
    if (taken) {
      skip = false;
      const json& answer = taken.value();
      pass_on(answer.value("events", json::array()), answer.value("lost", std::uint64_t{0}));
    }
    wake_.wait_for(lock, kInterval, [this] { return stop_; });
  }
}

void EventHub::pass_on(const json& events, std::uint64_t lost) {
  if (events.empty() && lost == 0) return;
  for (Follower& follower : followers_) {
    follower.lost += lost;
    if (follower.responder->unsent_bytes() > kMaxBacklogBytes) {
      follower.lost += events.size();
      continue;
    }
    follower.responder->notify("events", {{"events", events}, {"lost", follower.lost}});
    follower.lost = 0;
  }
}

}  // namespace weir::control
