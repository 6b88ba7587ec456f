// Lines as they come over the control socket, through the whole API: each request is answered exactly once.

#include "control/api/control_api.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "control/storage/entry_storage.h"
#include "dataplane/rpc/line_framer.h"
#include "dataplane/rpc/message.h"
#include "tests/support/require.h"

namespace {

using namespace weir;
using weir::fuzz::require;

constexpr std::size_t kLineBytes = 4096;
constexpr std::size_t kMostLines = 16;  // of one input

/// Counts the requests that are on their way.
class Pending {
 public:
  void begin() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) done_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    const bool all = done_.wait_for(lock, std::chrono::seconds(60), [this] { return count_ == 0; });
    require(all, "every request is answered");
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t count_ = 0;
};

class Once final : public rpc::Responder {
 public:
  explicit Once(Pending& pending) : pending_(pending) { pending_.begin(); }
  ~Once() override { require(answered_, "no request is dropped without an answer"); }
  void result(const nlohmann::json& value) override { answer(rpc::result_line(1, value)); }
  void fail(const base::Error& error) override {
    require(!error.code.empty() && !error.message.empty(), "errors have a code and a message");
    answer(rpc::error_line(1, error));
  }
  void notify(std::string_view, const nlohmann::json&) override {}
  [[nodiscard]] bool alive() const override { return false; }

 private:
  void answer(const std::string& line) {
    require(line.find('\n') == line.size() - 1, "an answer is one line");
    require(!answered_.exchange(true), "a request is answered once");
    pending_.end();
  }

  Pending& pending_;
  std::atomic<bool> answered_{false};
};

std::filesystem::path make_directory() {
  // In memory where there is such a place: each update is synced.
  const bool shm = std::filesystem::exists("/dev/shm");
  std::string pattern = std::string(shm ? "/dev/shm" : "/tmp") + "/weir-fuzz-XXXXXX";
  require(::mkdtemp(pattern.data()) != nullptr, "a directory can be made");
  return pattern;
}

config::Settings make_settings(const std::filesystem::path& directory) {
  config::Settings settings;
  settings.dataplane.socket = directory / "dataplane.sock";
  settings.dataplane.snapshot_dir = directory / "snapshots";
  settings.control.state_dir = directory / "state";
  settings.control.keep_generations = 2;
  settings.control.audit.file_bytes = 65536;
  settings.control.audit.files = 2;
  settings.lists.resize(2);
  settings.lists[0].name = "hotline";
  settings.lists[0].url = "file://" + (directory / "feed").string();
  settings.lists[1].name = "local";
  settings.lists[1].type = config::ListType::manual;
  std::ofstream(directory / "feed") << "one.example\ntwo.example/page\n";
  std::filesystem::create_directory(directory / "state");
  return settings;
}

void refuse_reload(control::Caller, const std::shared_ptr<rpc::Responder>& responder) {
  responder->fail({"config_invalid", "there is no file"});
}

/// A control daemon without its socket.
class World {
 public:
  World()
      : directory_(make_directory()),
        settings_(make_settings(directory_)),
        audit_(storage::AuditLog::open(settings_.control.state_dir / "audit.jsonl")),
        link_(settings_.dataplane.socket.string()),
        events_([this](bool skip) {
          return link_.call("events.take", {{"skip", skip}}, std::chrono::milliseconds(3000));
        }),
        publisher_(settings_, open_store(settings_), link_),
        updates_(settings_, publisher_, link_, *audit_.value(), [](std::string_view, double) {}),
        self_test_(settings_.control.selftest, link_),
        api_(settings_, directory_ / "weir.yaml", publisher_, updates_, link_, *audit_.value(), events_,
             self_test_, control::Roles(settings_.control.roles), refuse_reload) {
    control::StageTimes times;
    static_cast<void>(publisher_.start(times).ok());
    events_.start();
    updates_.start();
  }
  ~World() {
    events_.stop();
    updates_.stop();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void handle(rpc::Call&& call, unsigned uid, Pending& pending) {
    rpc::Request request{.method = std::move(call.method),
                         .params = std::make_shared<const nlohmann::json>(std::move(call.params)),
                         .peer = {.uid = uid, .gid = uid, .pid = 1, .groups = {}},
                         .descriptors = {}};
    api_.handle(std::move(request), std::make_shared<Once>(pending));
  }
  [[nodiscard]] std::uint64_t generation() const { return publisher_.view()->state.generation.value; }

 private:
  static control::Store open_store(const config::Settings& settings) {
    auto storage = storage::open_entry_storage(settings.control, "");
    require(storage.ok(), "a key can be made");
    auto store = control::Store::open(settings.control.state_dir, settings.dataplane.snapshot_dir,
                                      std::move(storage).value());
    require(store.ok(), "a store can be made");
    return std::move(store).value();
  }

  const std::filesystem::path directory_;
  const config::Settings settings_;
  base::Result<std::unique_ptr<storage::AuditLog>> audit_;
  control::DataplaneLink link_;
  control::EventHub events_;
  control::Publisher publisher_;
  control::Updates updates_;
  control::SelfTest self_test_;
  control::ControlApi api_;
};

std::unique_ptr<World> make_world() {
  spdlog::set_level(spdlog::level::off);
  return std::make_unique<World>();
}

/// The world of all inputs; made anew before its lists grow large.
World& world() {
  constexpr std::uint64_t most_generations = 300;
  // Made as it is initialised: what is used first is cleaned up last, and a thread of the world that ends
  // after OpenSSL's own clean-up leaks that thread's state.
  static std::unique_ptr<World> instance = make_world();
  if (instance->generation() > most_generations) {
    instance.reset();
    instance = make_world();
  }
  return *instance;
}

}  // namespace

// The first byte: whether the caller is root.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr unsigned stranger = 4000000;
  const unsigned uid = data[0] % 8 == 7 ? stranger : 0;
  World& here = world();
  Pending pending;
  rpc::LineFramer framer(kLineBytes);
  framer.append({reinterpret_cast<const char*>(data) + 1, size - 1});
  std::size_t lines = 0;
  while (const auto line = framer.next()) {
    if (++lines > kMostLines) break;
    auto parsed = rpc::parse_call(*line);
    if (auto* call = std::get_if<rpc::Call>(&parsed)) here.handle(std::move(*call), uid, pending);
  }
  pending.wait();
  return 0;
}
