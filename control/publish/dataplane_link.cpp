#include "control/publish/dataplane_link.h"

#include <fmt/format.h>

#include "dataplane/rpc/client.h"

namespace weir::control {
namespace {

constexpr std::chrono::milliseconds kPollInterval{1000};
constexpr std::chrono::milliseconds kPollTimeout{900};

}  // namespace

DataplaneStatus read_dataplane_status(nlohmann::json answer) {
  DataplaneStatus status;
  status.up = true;
  const auto snapshot = answer.find("snapshot");
  if (snapshot != answer.end() && snapshot->is_object()) {
    const auto number = [&](const char* key) {
      const auto field = snapshot->find(key);
      return field != snapshot->end() && field->is_number_unsigned() ? field->get<std::uint64_t>() : 0;
    };
    status.generation = {number("generation")};
    status.activated_unix_seconds = static_cast<std::int64_t>(number("activated_unix_seconds"));
  }
  const auto enforcement = answer.find("enforcement");
  if (enforcement != answer.end() && enforcement->is_string()) {
    status.enforcement = base::enum_from_name<base::Enforcement>(base::kEnforcements,
                                                                 enforcement->get_ref<const std::string&>());
  }
  status.raw = std::move(answer);
  return status;
}

DataplaneLink::DataplaneLink(std::string socket) : socket_(std::move(socket)) {}

DataplaneLink::~DataplaneLink() { stop(); }

void DataplaneLink::start(Watcher watcher) {
  thread_ = std::thread([this, watch = std::move(watcher)] { loop(watch); });
}

void DataplaneLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const DataplaneStatus> DataplaneLink::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::shared_ptr<const DataplaneStatus> DataplaneLink::refresh(std::chrono::milliseconds timeout) {
  auto answer = call("status", nlohmann::json::object(), timeout);
  auto fresh = std::make_shared<DataplaneStatus>();
  if (answer && answer.value().is_object()) {
    *fresh = read_dataplane_status(std::move(answer).value());
  } else {
    fresh->error = answer ? "the dataplane's status is no object" : answer.error().message;
  }
  const std::lock_guard lock(mutex_);
  status_ = fresh;
  return fresh;
}

base::Result<nlohmann::json> DataplaneLink::call(const std::string& method, const nlohmann::json& params,
                                                 std::chrono::milliseconds timeout,
                                                 std::span<const int> descriptors) const {
  auto answer = rpc::call(socket_, method, params, timeout, descriptors);
  if (answer || (answer.error().code != "not_running" && answer.error().code != "timeout")) return answer;
  return base::Error{
      "dataplane_down",
      fmt::format("the dataplane does not answer at {} ({}); start it: systemctl start weir-dataplane",
                  socket_, answer.error().message)};
}

void DataplaneLink::loop(const Watcher& watcher) {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    watcher(*refresh(kPollTimeout));
    lock.lock();
    wake_.wait_for(lock, kPollInterval, [this] { return stop_; });
  }
}

}  // namespace weir::control
