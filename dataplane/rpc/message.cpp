#include "dataplane/rpc/message.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace weir::rpc {
namespace {

using nlohmann::json;

struct ErrorNumber {
  std::string_view code;
  int number;
};

// JSON-RPC 2.0, 5.1. All other codes share one number of the range reserved for servers.
constexpr std::array<ErrorNumber, 5> kErrorNumbers{{
    {.code = "parse_error", .number = -32700},
    {.code = "invalid_request", .number = -32600},
    {.code = "method_not_found", .number = -32601},
    {.code = "invalid_params", .number = -32602},
    {.code = "internal", .number = -32603},
}};
constexpr int kOtherError = -32000;

int number_of(std::string_view code) {
  const auto* const row = std::find_if(kErrorNumbers.begin(), kErrorNumbers.end(),
                                       [code](const ErrorNumber& each) { return each.code == code; });
  return row == kErrorNumbers.end() ? kOtherError : row->number;
}

std::string code_of(std::int64_t number) {
  const auto* const row = std::find_if(kErrorNumbers.begin(), kErrorNumbers.end(),
                                       [number](const ErrorNumber& each) { return each.number == number; });
  return row == kErrorNumbers.end() ? "error" : std::string(row->code);
}

// Counts brackets outside strings before anything is parsed: exact for valid JSON, and for broken JSON at
// least as deep as any parser gets.
bool nested_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxNesting) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

base::Result<json> parse_document(std::string_view text) {
  if (nested_too_deep(text)) {
    return base::Error{.code = "parse_error",
                       .message = fmt::format("JSON nested deeper than {} levels", kMaxNesting)};
  }
  json document = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return base::Error{.code = "parse_error",
                       .message = "not JSON: expected one JSON-RPC 2.0 object per line, in UTF-8"};
  }
  return document;
}

std::string dump_line(const json& message) {
  std::string line = message.dump(-1, ' ', false, json::error_handler_t::replace);
  line.push_back('\n');
  return line;
}

bool is_version_2(const json& message) {
  const auto version = message.find("jsonrpc");
  return version != message.end() && version->is_string() && version->get_ref<const std::string&>() == "2.0";
}

// What is wrong with the envelope of a request; none: nothing.
std::optional<std::string> envelope_problem(const json& message) {
  if (!is_version_2(message)) return R"(expected "jsonrpc":"2.0")";
  const auto id = message.find("id");
  if (id != message.end() && !id->is_string() && !id->is_number() && !id->is_null()) {
    return R"(expected "id" to be a string or a number)";
  }
  const auto method = message.find("method");
  if (method == message.end() || !method->is_string()) return R"(expected "method" to be a string)";
  const auto params = message.find("params");
  if (params != message.end() && !params->is_structured()) return R"(expected "params" to be an object)";
  return std::nullopt;
}

Answer make_answer(json& message) {
  if (const auto result = message.find("result"); result != message.end()) {
    return Answer{.id = std::move(message["id"]), .outcome = std::move(*result)};
  }
  const json& error = message["error"];
  base::Error outcome{.code = "error", .message = "the server gave no reason"};
  if (const auto number = error.find("code"); number != error.end() && number->is_number_integer()) {
    outcome.code = code_of(number->get<std::int64_t>());
  }
  if (const auto text = error.find("message"); text != error.end() && text->is_string()) {
    outcome.message = text->get<std::string>();
  }
  if (const auto data = error.find("data"); data != error.end() && data->is_object()) {
    const auto code = data->find("code");
    if (code != data->end() && code->is_string()) outcome.code = code->get<std::string>();
  }
  return Answer{.id = std::move(message["id"]), .outcome = std::move(outcome)};
}

}  // namespace

std::variant<Call, Rejection> parse_call(std::string_view line) {
  auto document = parse_document(line);
  if (!document) return Rejection{.id = nullptr, .error = document.error()};
  json& message = document.value();
  if (message.is_array()) {
    return Rejection{.id = nullptr,
                     .error = {.code = "invalid_request",
                               .message = "batches are not supported: send one request per line"}};
  }
  if (!message.is_object()) {
    return Rejection{.id = nullptr,
                     .error = {.code = "invalid_request", .message = "expected a JSON object"}};
  }
  const auto id = message.find("id");
  const bool has_id = id != message.end();
  const bool usable_id = has_id && (id->is_string() || id->is_number());
  json echoed = usable_id ? *id : json(nullptr);
  if (auto problem = envelope_problem(message)) {
    return Rejection{.id = std::move(echoed),
                     .error = {.code = "invalid_request", .message = std::move(*problem)}};
  }
  json params = message.contains("params") ? std::move(message["params"]) : json::object();
  if (!params.is_object()) {
    return Rejection{
        .id = std::move(echoed),
        .error = {.code = "invalid_params", .message = "parameters are passed by name: expected an object"},
        .wants_answer = has_id};
  }
  return Call{.method = std::move(message["method"].get_ref<std::string&>()),
              .params = std::move(params),
              .id = std::move(echoed),
              .wants_answer = has_id};
}

base::Result<std::variant<Answer, Notification>> parse_reply(std::string_view line) {
  const auto wrong = [](std::string what) {
    return base::Error{.code = "protocol", .message = std::move(what)};
  };
  auto document = parse_document(line);
  if (!document) return wrong("the server's answer is " + document.error().message);
  json& message = document.value();
  if (!message.is_object() || !is_version_2(message)) {
    return wrong("the server's answer is not a JSON-RPC 2.0 object");
  }
  if (const auto method = message.find("method"); method != message.end()) {
    json params = message.contains("params") ? std::move(message["params"]) : json::object();
    if (!method->is_string() || !params.is_object()) return wrong("the server sent a broken notification");
    return std::variant<Answer, Notification>(
        Notification{.method = method->get<std::string>(), .params = std::move(params)});
  }
  const bool has_error = message.contains("error") && message["error"].is_object();
  if (!message.contains("id") || message.contains("result") == has_error) {
    return wrong("the server's answer has no id, or not exactly one of result and error");
  }
  return std::variant<Answer, Notification>(make_answer(message));
}

std::string call_line(const json& id, std::string_view method, const json& params) {
  return dump_line({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string result_line(const json& id, const json& value) {
  return dump_line({{"jsonrpc", "2.0"}, {"id", id}, {"result", value}});
}

std::string error_line(const json& id, const base::Error& error) {
  const json body = {
      {"code", number_of(error.code)}, {"message", error.message}, {"data", {{"code", error.code}}}};
  return dump_line({{"jsonrpc", "2.0"}, {"id", id}, {"error", body}});
}

std::string notification_line(std::string_view method, const json& params) {
  return dump_line({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

}  // namespace weir::rpc
