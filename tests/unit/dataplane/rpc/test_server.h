#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/rpc/client.h"
#include "dataplane/rpc/server.h"
#include "dataplane/rpc/unix_socket.h"

namespace weir::rpc::testing {

inline constexpr std::chrono::milliseconds kPatience{
    20000};  // ends a test that hangs; no test waits this long

/// A new directory, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-rpc-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A server that runs in its own thread.
class RunningServer {
 public:
  explicit RunningServer(Handler handler, ServerLimits limits = {}) {
    auto made = Server::listen(path(), 0600, std::move(handler), limits);
    if (!made) {
      ADD_FAILURE() << made.error().message;
      return;
    }
    server_ = std::move(made).value();
    thread_ = std::thread([this] {
      while (!stop_.load()) server_->run_once(kPatience);
    });
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }

  void stop() {
    stop_.store(true);
    if (server_) server_->wake();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  [[nodiscard]] std::string path() const { return directory_.file("s.sock"); }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Server> server_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// A client that writes and reads raw bytes.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ADD_FAILURE() << "cannot connect to " << path;
    }
  }

  /// False: the server closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }
  [[nodiscard]] int get() const { return socket_.get(); }

  /// The next line without its LF; none at the end of the stream.
  std::optional<std::string> line() {
    while (true) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        std::string result = received_.substr(0, end);
        received_.erase(0, end + 1);
        return result;
      }
      pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, static_cast<int>(kPatience.count())) <= 0) {
        ADD_FAILURE() << "neither an answer nor the end of the stream";
        return std::nullopt;
      }
      char buffer[65536];
      const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) return std::nullopt;
      received_.append(buffer, static_cast<std::size_t>(count));
    }
  }
  nlohmann::json json() {
    const auto text = line();
    return text ? nlohmann::json::parse(*text) : nlohmann::json("the stream ended");
  }

 private:
  FileDescriptor socket_;
  std::string received_;
};

/// Answers `echo` with its parameters, and all other methods with method_not_found.
inline void echo(const Request& request, const std::shared_ptr<Responder>& responder) {
  if (request.method == "echo") return responder->result(*request.params);
  responder->fail({"method_not_found", "no method " + request.method});
}

inline std::string echo_request(int id) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"echo","params":{"n":)" +
         std::to_string(id) + "}}\n";
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace weir::rpc::testing
