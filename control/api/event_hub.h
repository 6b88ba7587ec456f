#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

/// Passes the dataplane's blocked events on to those who follow them. Asks for them only while somebody
/// follows. A follower that does not read loses events, not the others': as long as kMaxBacklogBytes wait for
/// it nothing is sent, and the next notification says how many it missed.
class EventHub {
 public:
  static constexpr std::size_t kMaxFollowers = 64;
  static constexpr std::size_t kMaxFollowersOfUser = 8;
  static constexpr std::size_t kMaxBacklogBytes = std::size_t{256} << 10;

  /// Takes what the dataplane has; `skip`: what it has by now is left out. `{"events":[...],"lost":N}`.
  using Source = std::function<base::Result<nlohmann::json>(bool skip)>;

  explicit EventHub(Source source) : source_(std::move(source)) {}
  ~EventHub() { stop(); }
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  void start();
  void stop();

  /// The notifications `events {"events":[...],"lost":N}` go to `responder` from now on, as long as its
  /// client is there; N: events that were lost on the way to this follower. Error code: busy.
  base::Status follow(unsigned uid, const std::shared_ptr<rpc::Responder>& responder);

 private:
  struct Follower {
    unsigned uid = 0;
    std::shared_ptr<rpc::Responder> responder;
    std::uint64_t lost = 0;  // not told yet
  };

  void loop();
  void pass_on(const nlohmann::json& events, std::uint64_t lost);

  const Source source_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<Follower> followers_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weir::control
