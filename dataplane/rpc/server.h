#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/result.h"
#include "dataplane/rpc/unix_socket.h"

namespace weir::rpc {

/// Answers one request, once, from any thread, even after the server is gone. If it is destroyed without an
/// answer, the client gets an internal error. Later answers, and answers to a client that is gone, are
/// dropped.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void result(const nlohmann::json& value) = 0;
  /// `error.code` becomes data.code, the stable name for programs.
  virtual void fail(const base::Error& error) = 0;
  /// Sends a notification, before or after the answer, while the client is connected. `params`: an object.
  virtual void notify(std::string_view method, const nlohmann::json& params) = 0;
  /// False: the client is gone, or was given up because it does not read.
  [[nodiscard]] virtual bool alive() const = 0;
  /// Bytes sent to the client that it has not read yet. Senders of notifications use it to slow down.
  [[nodiscard]] virtual std::size_t unsent_bytes() const { return 0; }
};

/// One JSON-RPC 2.0 request or notification.
struct Request {
  std::string method;
  std::shared_ptr<const nlohmann::json> params;  // always an object
  Peer peer;
  /// Received with the request by SCM_RIGHTS, at most kMaxDescriptors. They belong to the request in which
  /// the sendmsg that carried them ends: a client must send such a request in a separate sendmsg.
  std::vector<base::FileDescriptor> descriptors;
};

/// If a handler throws, the request gets an internal error.
using Handler = std::function<void(Request&&, std::shared_ptr<Responder>)>;

struct ServerLimits {
  std::size_t line_bytes = std::size_t{1} << 20;
  /// At the limit, a new client replaces the one that was silent longest and waits for no answer.
  std::size_t clients = 1024;
  std::size_t unsent_bytes = std::size_t{8} << 20;  // a client that leaves more unread is dropped
  /// Pending requests of one client; at the limit, nothing is read from it.
  std::size_t requests_per_client = 64;
  /// Memory for the incomplete lines of all clients; the client that exceeds it is dropped.
  std::size_t buffered_bytes = std::size_t{64} << 20;
};

/// JSON-RPC 2.0 over a Unix stream socket, one JSON object per line. Non-blocking: a slow or hostile client
/// loses its own connection and does not affect others. The handler runs in the thread that calls run_once().
/// Batches are refused (invalid_request). A line that is too long gets an error and ends the connection.
class Server {
 public:
  /// Replaces a stale socket file at `path`; fails if another process listens there. Error codes: those of
  /// Listener::open.
  static base::Result<std::unique_ptr<Server>> listen(const std::string& path, unsigned file_mode,
                                                      Handler handler, ServerLimits limits = {});
  virtual ~Server() = default;
  /// Waits up to `timeout` for clients and serves those that are ready.
  virtual void run_once(std::chrono::milliseconds timeout) = 0;
  /// Ends the current wait of run_once(), or the next one; from any thread.
  virtual void wake() = 0;
};

}  // namespace weir::rpc
