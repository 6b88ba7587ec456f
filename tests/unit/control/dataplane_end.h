#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "match/lookup.h"
#include "match/snapshot_view.h"
#include "proto/url.h"
#include "rpc/server.h"

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
  [[nodiscard]] std::uint64_t generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  [[nodiscard]] unsigned loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
  }
  /// What the snapshot in force decides about a cleartext request.
  [[nodiscard]] bool blocks(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    if (bytes_.empty()) return false;
    const auto url = std::make_unique<proto::CanonicalUrl>();
    EXPECT_EQ(url->assign_url(text, proto::PortPolicy::strict), proto::UrlError::none);
    const auto view = match::SnapshotView::open(std::as_bytes(std::span(bytes_)).first(size_bytes_));
    EXPECT_TRUE(view.ok());
    return match::lookup(view.value(), {.url = url.get(), .connection_port = 80, .encrypted = false})
               .decision == match::Decision::block;
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
    responder.result({{"families", nlohmann::json::array()}});
  }

  void status(rpc::Responder& responder) const {
    nlohmann::json answer{{"enforcement", enforcement_}, {"snapshot", nullptr}};
    if (generation_ != 0) answer["snapshot"] = {{"generation", generation_}, {"activated_unix_seconds", 1}};
    responder.result(answer);
  }

  void load(const rpc::Request& request, rpc::Responder& responder) {
    if (!refusal_.empty()) return responder.fail({refusal_, "as the test wants it"});
    ASSERT_EQ(request.descriptors.size(), 1U);
    struct stat file {};
    ASSERT_EQ(::fstat(request.descriptors[0].get(), &file), 0);
    std::vector<std::uint64_t> bytes((static_cast<std::size_t>(file.st_size) + 7) / 8);
    ASSERT_EQ(::pread(request.descriptors[0].get(), bytes.data(), static_cast<std::size_t>(file.st_size), 0),
              file.st_size);
    const auto view = match::SnapshotView::open(
        std::as_bytes(std::span(bytes)).first(static_cast<std::size_t>(file.st_size)));
    if (!view) return responder.fail(view.error());
    const std::uint64_t generation = view.value().generation().value;
    if (generation < generation_) return responder.fail({"snapshot_stale", "below the active one"});
    EXPECT_EQ(request.params->at("generation").get<std::uint64_t>(), generation);
    bytes_ = std::move(bytes);
    size_bytes_ = static_cast<std::size_t>(file.st_size);
    generation_ = generation;
    ++loads_;
    responder.result({{"generation", generation}, {"active", true}, {"seconds", 0.0}});
  }

  mutable std::mutex mutex_;  // guards what follows
  std::string refusal_;
  std::string enforcement_ = "enforce";
  std::uint64_t generation_;
  unsigned loads_ = 0;
  std::vector<std::uint64_t> bytes_;  // aligned as a snapshot needs it
  std::size_t size_bytes_ = 0;        // of them
  std::atomic<bool> stop_{false};
  std::unique_ptr<rpc::Server> server_;
  std::thread thread_;
};

}  // namespace weir::test
