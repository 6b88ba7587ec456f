#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "rpc/file_descriptor.h"

namespace weir::rpc {

/// Who is at the other end, by SO_PEERCRED.
struct Peer {
  unsigned uid = 0;
  unsigned gid = 0;
  int pid = 0;
};

/// Answers one request, once, from any thread. Dropped without a call: the client gets an internal error.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void result(const nlohmann::json& value) = 0;
  /// `error.code` becomes data.code, the stable name that programs act on.
  virtual void fail(const base::Error& error) = 0;
};

/// One JSON-RPC 2.0 request; `descriptors` came with it by SCM_RIGHTS.
struct Request {
  std::string method;
  std::shared_ptr<const nlohmann::json> params;  // always an object
  Peer peer;
  std::vector<FileDescriptor> descriptors;
};

using Handler = std::function<void(Request&&, std::shared_ptr<Responder>)>;

struct ServerLimits {
  std::size_t line_bytes = std::size_t{1} << 20;
  std::size_t clients = 1024;
  std::size_t unsent_bytes = std::size_t{8} << 20;  // a client that does not read is dropped
};

/// JSON-RPC 2.0, a JSON object per line, over a Unix stream socket. Non-blocking: a slow or hostile client
/// costs its own connection and nobody else anything. The handler runs in the thread that calls run_once().
class Server {
 public:
  /// Replaces a stale socket file at `path`; refuses when another process still listens there.
  static base::Result<std::unique_ptr<Server>> listen(const std::string& path, unsigned file_mode,
                                                      Handler handler, ServerLimits limits = {});
  virtual ~Server() = default;
  /// Serves what is ready, waiting for it up to `timeout`.
  virtual void run_once(std::chrono::milliseconds timeout) = 0;
  /// Ends a waiting run_once; from any thread.
  virtual void wake() = 0;
};

}  // namespace weir::rpc
