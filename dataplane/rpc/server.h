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

/// Answers one request, once, from any thread, even when the server is gone. Dropped without a call: the
/// client gets an internal error. What comes after the first answer, or after the client went, is forgotten.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void result(const nlohmann::json& value) = 0;
  /// `error.code` becomes data.code, the stable name that programs act on.
  virtual void fail(const base::Error& error) = 0;
  /// Sends a notification, before or after the answer, as long as the client is there. `params`: an object.
  virtual void notify(std::string_view method, const nlohmann::json& params) = 0;
  /// False once the client is gone, or was given up because it does not read.
  [[nodiscard]] virtual bool alive() const = 0;
  /// What the client has not taken yet, of all that was sent to it: who sends unasked holds back by it.
  [[nodiscard]] virtual std::size_t unsent_bytes() const { return 0; }
};

/// One JSON-RPC 2.0 request or notification.
struct Request {
  std::string method;
  std::shared_ptr<const nlohmann::json> params;  // always an object
  Peer peer;
  /// Came with the request by SCM_RIGHTS, kMaxDescriptors at most. They belong to the request in which the
  /// sendmsg that carried them ends: a client gives such a request a sendmsg of its own.
  std::vector<base::FileDescriptor> descriptors;
};

/// Exceptions that leave a handler become that request's internal error.
using Handler = std::function<void(Request&&, std::shared_ptr<Responder>)>;

struct ServerLimits {
  std::size_t line_bytes = std::size_t{1} << 20;
  /// At the limit, the client that has been silent longest and waits for no answer makes room for a new one.
  std::size_t clients = 1024;
  std::size_t unsent_bytes = std::size_t{8} << 20;  // a client that does not read is dropped
  /// Requests of one client whose Responder lives; beyond, the client is not read from.
  std::size_t requests_per_client = 64;
  /// Of incomplete lines, over all clients; a client that goes beyond is dropped.
  std::size_t buffered_bytes = std::size_t{64} << 20;
};

/// JSON-RPC 2.0, a JSON object per line, over a Unix stream socket. Non-blocking: a slow or hostile client
/// costs its own connection and nobody else anything. The handler runs in the thread that calls run_once().
/// Batches are refused (invalid_request); an over-long line is answered with an error and ends the
/// connection.
class Server {
 public:
  /// Replaces a stale socket file at `path`; refuses when another process still listens there. Error codes:
  /// those of Listener::open.
  static base::Result<std::unique_ptr<Server>> listen(const std::string& path, unsigned file_mode,
                                                      Handler handler, ServerLimits limits = {});
  virtual ~Server() = default;
  /// Serves what is ready, waiting for it up to `timeout`.
  virtual void run_once(std::chrono::milliseconds timeout) = 0;
  /// Ends a waiting run_once, or the next one; from any thread.
  virtual void wake() = 0;
};

}  // namespace weir::rpc
