#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/result.h"
#include "dataplane/rpc/line_framer.h"

namespace weir::rpc {

/// Connects to the Unix socket at `path`, makes one call and returns its result. `descriptors` are sent along
/// by SCM_RIGHTS. `timeout` covers the whole call. Error codes: not_running (no process listens),
/// permission_denied, path_too_long, timeout, protocol (the answer is not JSON-RPC 2.0, or the connection
/// ended before it), and the server's own codes.
base::Result<nlohmann::json> call(const std::string& path, const std::string& method,
                                  const nlohmann::json& params, std::chrono::milliseconds timeout,
                                  std::span<const int> descriptors = {});

/// A notification from the server; `params` as JSON text, an object.
struct Event {
  std::string method;
  std::string params;
};

/// A connection for several calls and for notifications. After an error of the connection (timeout, protocol)
/// it must not be used again.
class Client {
 public:
  /// Error codes: those of call().
  static base::Result<Client> connect(const std::string& path, std::chrono::milliseconds timeout);

  /// Notifications that arrive before the answer are kept for next_event().
  base::Result<nlohmann::json> call(std::string_view method, const nlohmann::json& params,
                                    std::chrono::milliseconds timeout, std::span<const int> descriptors = {});
  /// The next notification; none: no notification arrived within `timeout`. Error code: protocol.
  base::Result<std::optional<Event>> next_event(std::chrono::milliseconds timeout);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit Client(base::FileDescriptor socket);
  base::Status send(std::string_view line, std::span<const int> descriptors, Deadline deadline);
  /// None: the deadline passed.
  base::Result<std::optional<std::string>> read_line(Deadline deadline);

  base::FileDescriptor socket_;
  LineFramer framer_;
  std::vector<Event> events_;
  std::uint64_t next_id_ = 1;
};

}  // namespace weir::rpc
