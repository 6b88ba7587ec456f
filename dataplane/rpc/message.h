#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::rpc {

/// Deepest nesting of arrays and objects in a message: what handles JSON recursively stays within its stack.
inline constexpr std::size_t kMaxNesting = 32;

/// A request or, without `wants_answer`, a notification (JSON-RPC 2.0, 4).
struct Call {
  std::string method;
  nlohmann::json params;  // always an object
  nlohmann::json id;      // string, number or null
  bool wants_answer = true;
};

/// A line that is no request. Codes: parse_error, invalid_request, invalid_params.
struct Rejection {
  nlohmann::json id;
  base::Error error;
  bool wants_answer = true;
};

/// What a server makes of one line. Never throws on any input, save std::bad_alloc.
std::variant<Call, Rejection> parse_call(std::string_view line);

/// What a client makes of one line: the answer to its call, or a notification.
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

/// Messages ready to send, their LF included. Strings that are not UTF-8 are sent with U+FFFD in the place of
/// what is not.
std::string call_line(const nlohmann::json& id, std::string_view method, const nlohmann::json& params);
std::string result_line(const nlohmann::json& id, const nlohmann::json& value);
std::string error_line(const nlohmann::json& id, const base::Error& error);
std::string notification_line(std::string_view method, const nlohmann::json& params);

}  // namespace weir::rpc
