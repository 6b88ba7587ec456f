// A control daemon without its socket, and a dataplane's end of one, for tests of the whole way of a list.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "control/api/control_api.h"
#include "tests/support/scratch.h"
#include "tests/unit/control/updates/dataplane_end.h"

namespace weir::control {

using nlohmann::json;
using test::DataplaneEnd;
using test::Scratch;
using test::write_file;

inline constexpr unsigned kRoot = 0;

/// Keeps the answer of a call until somebody asks.
class Answer : public rpc::Responder {
 public:
  void result(const json& value) override { promise_.set_value(value); }
  void fail(const base::Error& error) override { promise_.set_value(error); }
  void notify(std::string_view, const json&) override {}
  [[nodiscard]] bool alive() const override { return true; }
  base::Result<json> wait() { return promise_.get_future().get(); }

 private:
  std::promise<base::Result<json>> promise_;
};

inline void refuse_reload(Caller, const std::shared_ptr<rpc::Responder>& responder) {
  responder->fail({"config_invalid", "there is no file"});
}

/// A control daemon without its socket: calls go to the API as the server's thread makes them.
class Daemon {
 public:
  /// `start_error`: the code with which making the generation at the start must fail; empty: it must not.
  explicit Daemon(const config::Settings& settings, const std::string& start_error = "")
      : audit_(storage::AuditLog::open(
            settings.control.state_dir / "audit.jsonl",
            {.file_bytes = settings.control.audit.file_bytes, .files = settings.control.audit.files})),
        link_(settings.dataplane.socket.string()),
        events_([this](bool skip) {
          return link_.call("events.take", {{"skip", skip}}, std::chrono::milliseconds(3000));
        }),
        publisher_(settings, open_store(settings), link_),
        updates_(settings, publisher_, link_, *audit_.value(), [](std::string_view, double) {}),
        self_test_(settings.control.selftest, link_),
        api_(settings, "/nonexistent", publisher_, updates_, link_, *audit_.value(), events_, self_test_,
             Roles(settings.control.roles), refuse_reload) {
    StageTimes times;
    const auto started = publisher_.start(times);
    EXPECT_EQ(started ? "" : started.error().code, start_error) << (started ? "" : started.error().message);
    events_.start();
    updates_.start();
  }
  ~Daemon() {
    events_.stop();
    updates_.stop();
  }

  base::Result<json> call(const std::string& method, json params = json::object(), unsigned uid = kRoot) {
    const auto answer = std::make_shared<Answer>();
    send(answer, method, std::move(params), uid);
    return answer->wait();
  }
  void send(const std::shared_ptr<Answer>& answer, const std::string& method, json params,
            unsigned uid = kRoot) {
    rpc::Request request{.method = method,
                         .params = std::make_shared<const json>(std::move(params)),
                         .peer = {.uid = uid, .gid = uid, .pid = 1, .groups = {}},
                         .descriptors = {}};
    api_.handle(std::move(request), answer);
  }
  json good(const std::string& method, json params = json::object()) {
    auto answer = call(method, std::move(params));
    EXPECT_TRUE(answer.ok()) << method << ": "
                             << (answer ? "" : answer.error().code + " " + answer.error().message);
    return answer ? answer.value() : json::object();
  }
  std::string code(const std::string& method, json params = json::object(), unsigned uid = kRoot) {
    const auto answer = call(method, std::move(params), uid);
    return answer ? "" : answer.error().code;
  }
  std::uint64_t generation() const { return publisher_.view()->state.generation.value; }
  Publisher& publisher() { return publisher_; }
  DataplaneLink& link() { return link_; }

 private:
  static Store open_store(const config::Settings& settings) {
    auto storage = storage::open_entry_storage(settings.control, "");
    EXPECT_TRUE(storage.ok()) << (storage ? "" : storage.error().message);
    auto store =
        Store::open(settings.control.state_dir, settings.dataplane.snapshot_dir, std::move(storage).value());
    EXPECT_TRUE(store.ok()) << (store ? "" : store.error().message);
    return std::move(store).value();
  }

  base::Result<std::unique_ptr<storage::AuditLog>> audit_;
  DataplaneLink link_;
  EventHub events_;
  Publisher publisher_;
  Updates updates_;
  SelfTest self_test_;
  ControlApi api_;
};

/// Waits for what other threads bring about; generous, for it never waits in vain on a good build.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1500; ++i) {
    if (condition()) return true;
    ::usleep(20000);
  }
  return false;
}

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    settings_.dataplane.socket = scratch_ / "dataplane.sock";
    settings_.dataplane.snapshot_dir = scratch_ / "snapshots";
    settings_.control.state_dir = scratch_ / "state";
    std::filesystem::create_directory(scratch_ / "state");
    settings_.lists.resize(2);
    settings_.lists[0].name = "hotline";
    settings_.lists[0].url = "file://" + feed().string();
    settings_.lists[0].guards.max_growth_percent = 0;
    settings_.lists[0].guards.max_shrink_percent = 50;
    settings_.lists[1].name = "local";
    settings_.lists[1].type = config::ListType::manual;
    write_file(feed(), "one.example\ntwo.example/page\n");
  }
  std::filesystem::path feed() const { return scratch_ / "feed"; }
  void start_dataplane() { dataplane_.emplace(settings_.dataplane.socket.string()); }
  void start_control() {
    daemon_.emplace(settings_);
    ASSERT_TRUE(eventually([&] { return daemon_->generation() != 0; }));
  }
  void start() {
    start_dataplane();
    start_control();
    ASSERT_TRUE(eventually([&] { return dataplane_->generation() == daemon_->generation(); }));
  }
  std::string snapshot_name(std::uint64_t generation) const {
    return (scratch_ / "snapshots").string() + "/" + fmt::format("{:020}.snapshot", generation);
  }

  Scratch scratch_;
  config::Settings settings_;
  std::optional<DataplaneEnd> dataplane_;
  std::optional<Daemon> daemon_;
  std::mutex api_mutex_;
};

}  // namespace weir::control
