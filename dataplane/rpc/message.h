#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::rpc {

/// Deepest nesting of arrays and objects in a message, so that recursive JSON code does not overflow its
/// stack.
inline constexpr std::size_t kMaxNesting = 32;

/// A request or, without `wants_answer`, a notification (JSON-RPC 2.0, 4).
struct Call {
  std::string method;
  nlohmann::json params;  // always an object
  nlohmann::json id;      // string, number or null
  bool wants_answer = true;
};

/// A line that is not a valid request. Error codes: parse_error, invalid_request, invalid_params.
struct Rejection {
  nlohmann::json id;
  base::Error error;
  bool wants_answer = true;
};

/// For servers: parses one line. Throws nothing but std::bad_alloc, whatever the input.
std::variant<Call, Rejection> parse_call(std::string_view line);

/// For clients: a line is the answer to a call, or a notification.
struct Answer {
  nlohmann::json id;
  base::Result<nlohmann::json> outcome;
};
struct Notification {
  std::string method;
  nlohmann::json params;  // always an object
};
/// Error code: protocol.
base::Result<std::variant<Answer, Notification>> parse_reply(std::string_view line);

/// Messages ready to send, with their LF. Bytes that are not UTF-8 are replaced by U+FFFD.
std::string call_line(const nlohmann::json& id, std::string_view method, const nlohmann::json& params);
std::string result_line(const nlohmann::json& id, const nlohmann::json& value);
std::string error_line(const nlohmann::json& id, const base::Error& error);
std::string notification_line(std::string_view method, const nlohmann::json& params);

}  // namespace weir::rpc
