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

/// Sends the dataplane's events of blocked requests to the clients that follow them. The dataplane is asked
/// only while somebody follows. A client that reads too slowly loses events of its own only: while more than
/// kMaxBacklogBytes wait for it, nothing is added, and its next notification says how many it missed.
class EventHub {
 public:
  static constexpr std::size_t kMaxFollowers = 64;
  static constexpr std::size_t kMaxFollowersOfUser = 8;
  static constexpr std::size_t kMaxBacklogBytes = std::size_t{256} << 10;

  /// Takes the events that the dataplane holds: `{"events":[...],"lost":N}`. With `skip`, they are dropped.
  using Source = std::function<base::Result<nlohmann::json>(bool skip)>;

  explicit EventHub(Source source) : source_(std::move(source)) {}
  ~EventHub() { stop(); }
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  void start();
  void stop();

  /// Sends notifications `events {"events":[...],"lost":N}` to `responder` until its client disconnects. N is
  /// the number of events that this follower missed. Error code: busy.
  base::Status follow(unsigned uid, const std::shared_ptr<rpc::Responder>& responder);

 private:
  struct Follower {
    unsigned uid = 0;
    std::shared_ptr<rpc::Responder> responder;
    std::uint64_t lost = 0;  // not reported yet
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
