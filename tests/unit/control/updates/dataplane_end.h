#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rpc/server.h"

namespace weir::test {

/// The dataplane's end of its socket: the real server, which takes a snapshot as the dataplane does: copied
/// from the descriptor, validated, refused when it is stale. `generation`: what it found on disk before.
class DataplaneEnd {
 public:
  explicit DataplaneEnd(const std::string& socket, std::uint64_t generation = 0) : generation_(generation) {
    auto server = rpc::Server::listen(
        socket, 0660, [this](rpc::Request&& request, const std::shared_ptr<rpc::Responder>& to) {
          handle(std::move(request), *to);
        });
    EXPECT_TRUE(server.ok()) << (server ? "" : server.error().message);
    server_ = std::move(server).value();
    thread_ = std::thread([this] {
      while (!stop_.load(std::memory_order_relaxed)) server_->run_once(std::chrono::milliseconds(100));
    });
  }
  ~DataplaneEnd() {
    stop_.store(true, std::memory_order_relaxed);
    server_->wake();
    thread_.join();
  }
  DataplaneEnd(const DataplaneEnd&) = delete;
  DataplaneEnd& operator=(const DataplaneEnd&) = delete;

  /// Refuses the next loads with this error code; empty: takes them.
  void refuse_with(std::string code) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(code);
  }
  /// What it says to config.reload; null: it does not know the method.
  void answer_reload_with(nlohmann::json answer) {
    const std::lock_guard lock(mutex_);
    reload_answer_ = std::move(answer);
  }
  /// A request that was blocked.
  void put_event(nlohmann::json event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  [[nodiscard]] std::uint64_t generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  [[nodiscard]] unsigned loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
  }
  /// How many of them were overlays.
  [[nodiscard]] unsigned overlays() const {
    const std::lock_guard lock(mutex_);
    return overlays_;
  }
  /// What the snapshot in force decides about a cleartext request.
  [[nodiscard]] bool blocks(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    if (!view_) return false;
    const auto url = std::make_unique<proto::CanonicalUrl>();
    EXPECT_EQ(url->assign_url(text, proto::PortPolicy::strict), proto::UrlError::none);
    return match::lookup(*view_, {.url = url.get(), .connection_port = 80, .encrypted = false}).decision ==
           match::Decision::block;
  }

 private:
  void handle(rpc::Request&& request, rpc::Responder& responder) {
    const std::lock_guard lock(mutex_);
    if (request.method == "status") return status(responder);
    if (request.method == "snapshot.load") return load(request, responder);
    if (request.method == "enforcement") {
      enforcement_ = request.params->value("mode", "");
      return responder.result({{"enforcement", enforcement_}});
    }
    if (request.method == "events.take") {
      auto events = std::exchange(events_, nlohmann::json::array());
      return responder.result({{"events", std::move(events)}, {"lost", 0}});
    }
    if (request.method == "config.reload" && reload_answer_.is_null()) {
      return responder.fail({"method_not_found", "no such method"});
    }
    if (request.method == "config.reload") return responder.result(reload_answer_);
    responder.result({{"families", nlohmann::json::array()}});
  }

  void status(rpc::Responder& responder) const {
    nlohmann::json answer{{"enforcement", enforcement_}, {"snapshot", nullptr}};
    if (generation_ != 0) answer["snapshot"] = {{"generation", generation_}, {"activated_unix_seconds", 1}};
    responder.result(answer);
  }

  void load(const rpc::Request& request, rpc::Responder& responder) {
    if (!refusal_.empty()) return responder.fail({refusal_, "as the test wants it"});
    ASSERT_GE(request.descriptors.size(), 1U);
    auto bytes = read(request.descriptors[0].get());
    auto view = match::SnapshotView::open(as_span(bytes));
    if (!view) return responder.fail(view.error());
    const std::uint64_t generation = view.value().generation().value;
    if (generation < generation_) return responder.fail({"snapshot_stale", "below the active one"});
    EXPECT_EQ(request.params->at("generation").get<std::uint64_t>(), generation);
    if (view.value().is_overlay()) {
      if (request.descriptors.size() == 2) base_bytes_ = read(request.descriptors[1].get());
      const auto base = match::SnapshotView::open(as_span(base_bytes_));
      if (!base) return responder.fail({"snapshot_base", "no base"});
      view = match::SnapshotView::join(base.value(), view.value());
      if (!view) return responder.fail(view.error());
      overlays_ += 1;
      overlay_bytes_ = std::move(bytes);
    } else {
      base_bytes_ = std::move(bytes);
    }
    view_ = view.value();
    generation_ = generation;
    ++loads_;
    responder.result({{"generation", generation}, {"active", true}, {"seconds", 0.0}});
  }

  // Of an exact size, in memory that is aligned as a snapshot must be.
  struct Copy {
    std::vector<std::uint64_t> words;
    std::size_t size = 0;
  };
  static Copy read(int descriptor) {
    struct stat file {};
    EXPECT_EQ(::fstat(descriptor, &file), 0);
    Copy copy{.words = {}, .size = static_cast<std::size_t>(file.st_size)};
    copy.words.resize((copy.size + 7) / 8);
    EXPECT_EQ(::pread(descriptor, copy.words.data(), copy.size, 0), file.st_size);
    return copy;
  }
  static std::span<const std::byte> as_span(const Copy& copy) {
    return std::as_bytes(std::span(copy.words)).first(copy.size);
  }

  mutable std::mutex mutex_;  // guards what follows
  std::string refusal_;
  nlohmann::json events_ = nlohmann::json::array();
  nlohmann::json reload_answer_;
  std::string enforcement_ = "enforce";
  std::uint64_t generation_;
  unsigned loads_ = 0;
  unsigned overlays_ = 0;
  Copy base_bytes_;
  Copy overlay_bytes_;
  std::optional<match::SnapshotView> view_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<rpc::Server> server_;
  std::thread thread_;
};

}  // namespace weir::test
