#include "dataplane/rpc/message.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::rpc {
namespace {

using nlohmann::json;

struct AcceptedCase {
  const char* description;
  std::string line;
  std::string method;
  std::string params;
  std::string id;
  bool wants_answer;
};

TEST(ParseCall, AcceptsRequestsAndNotifications) {
  const std::vector<AcceptedCase> cases{
      {"number id", R"({"jsonrpc":"2.0","id":7,"method":"status"})", "status", "{}", "7", true},
      {"string id", R"({"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}})", "m", R"({"x":1})",
       R"("a")", true},
      {"null id wants an answer", R"({"jsonrpc":"2.0","id":null,"method":"m"})", "m", "{}", "null", true},
      {"no id: a notification", R"({"jsonrpc":"2.0","method":"m"})", "m", "{}", "null", false},
      {"CR at the end", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}\r", "m", "{}", "1", true},
      {"members of others are ignored", R"({"jsonrpc":"2.0","id":1,"method":"m","trace":[1]})", "m", "{}",
       "1", true},
      {"brackets within strings are no nesting",
       R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}})",
       "m", R"({"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})", "1", true},
  };
  for (const auto& each : cases) {
    const auto parsed = parse_call(each.line);
    const auto* call = std::get_if<Call>(&parsed);
    ASSERT_NE(call, nullptr) << each.description;
    EXPECT_EQ(call->method, each.method) << each.description;
    EXPECT_EQ(call->params, json::parse(each.params)) << each.description;
    EXPECT_EQ(call->id, json::parse(each.id)) << each.description;
    EXPECT_EQ(call->wants_answer, each.wants_answer) << each.description;
  }
}

std::string nested(std::size_t depth) {
  return R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":)" + std::string(depth, '[') +
         std::string(depth, ']') + "}}";
}

struct RejectedCase {
  const char* description;
  std::string line;
  const char* code;
  std::string id;
  bool wants_answer;
};

TEST(ParseCall, RejectsOtherLines) {
  const std::vector<RejectedCase> cases{
      {"no JSON", "hello", "parse_error", "null", true},
      {"half an object", R"({"jsonrpc":"2.0")", "parse_error", "null", true},
      {"two values", R"({"jsonrpc":"2.0","id":1,"method":"m"} {})", "parse_error", "null", true},
      {"no UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", "parse_error", "null", true},
      {"a number out of range", R"({"jsonrpc":"2.0","id":1e999,"method":"m"})", "parse_error", "null", true},
      {"a lone surrogate", R"({"jsonrpc":"2.0","id":1,"method":"\ud800"})", "parse_error", "null", true},
      {"nested too deep", nested(31), "parse_error", "null", true},
      {"a megabyte of brackets", std::string(1 << 20, '['), "parse_error", "null", true},
      {"a batch", R"([{"jsonrpc":"2.0","id":1,"method":"m"}])", "invalid_request", "null", true},
      {"a string", R"("m")", "invalid_request", "null", true},
      {"no version", R"({"id":1,"method":"m"})", "invalid_request", "1", true},
      {"version 1", R"({"jsonrpc":"1.0","id":1,"method":"m"})", "invalid_request", "1", true},
      {"version as a number", R"({"jsonrpc":2.0,"id":1,"method":"m"})", "invalid_request", "1", true},
      {"id is an object", R"({"jsonrpc":"2.0","id":{},"method":"m"})", "invalid_request", "null", true},
      {"id is a bool", R"({"jsonrpc":"2.0","id":true,"method":"m"})", "invalid_request", "null", true},
      {"no method", R"({"jsonrpc":"2.0","id":1})", "invalid_request", "1", true},
      {"method is a number", R"({"jsonrpc":"2.0","id":1,"method":5})", "invalid_request", "1", true},
      {"params is a number", R"({"jsonrpc":"2.0","id":1,"method":"m","params":5})", "invalid_request", "1",
       true},
      {"params by place", R"({"jsonrpc":"2.0","id":1,"method":"m","params":[1]})", "invalid_params", "1",
       true},
      {"a notification's params by place", R"({"jsonrpc":"2.0","method":"m","params":[1]})", "invalid_params",
       "null", false},
  };
  for (const auto& each : cases) {
    const auto parsed = parse_call(each.line);
    const auto* rejection = std::get_if<Rejection>(&parsed);
    ASSERT_NE(rejection, nullptr) << each.description;
    EXPECT_EQ(rejection->error.code, each.code) << each.description;
    EXPECT_FALSE(rejection->error.message.empty()) << each.description;
    EXPECT_EQ(rejection->id, json::parse(each.id)) << each.description;
    EXPECT_EQ(rejection->wants_answer, each.wants_answer) << each.description;
  }
}

TEST(ParseCall, AcceptsTheDeepestNesting) {
  const auto parsed = parse_call(nested(30));
  EXPECT_TRUE(std::holds_alternative<Call>(parsed));
}

TEST(ErrorLine, NumbersFollowTheStandard) {
  const std::vector<std::pair<const char*, int>> cases{
      {"parse_error", -32700},    {"invalid_request", -32600}, {"method_not_found", -32601},
      {"invalid_params", -32602}, {"internal", -32603},        {"snapshot_stale", -32000},
  };
  for (const auto& [code, number] : cases) {
    const auto message = json::parse(error_line(5, {code, "why"}));
    EXPECT_EQ(message, json({{"jsonrpc", "2.0"},
                             {"id", 5},
                             {"error", {{"code", number}, {"message", "why"}, {"data", {{"code", code}}}}}}));
  }
}

TEST(Lines, AreOneLineOfUtf8WhateverTheyCarry) {
  const std::string line = result_line("a", {{"text", "two\nlines \xff"}});
  EXPECT_EQ(line, "{\"id\":\"a\",\"jsonrpc\":\"2.0\",\"result\":{\"text\":\"two\\nlines \xEF\xBF\xBD\"}}\n");
}

struct ReplyCase {
  const char* description;
  std::string line;
  const char* code;  // of the call's error, or empty
  const char* text;  // the error's message, or the result
};

TEST(ParseReply, ReadsAnswers) {
  const std::vector<ReplyCase> cases{
      {"a result", R"({"jsonrpc":"2.0","id":1,"result":[1]})", "", "[1]"},
      {"a null result", R"({"jsonrpc":"2.0","id":1,"result":null})", "", "null"},
      {"an error with our code",
       R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"m","data":{"code":"busy"}}})", "busy",
       "m"},
      {"an error with the standard's number",
       R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}})", "method_not_found", "m"},
      {"an error with nothing", R"({"jsonrpc":"2.0","id":1,"error":{}})", "error",
       "the server gave no reason"},
      {"an error of wrong types", R"({"jsonrpc":"2.0","id":1,"error":{"code":"x","message":1,"data":[]}})",
       "error", "the server gave no reason"},
  };
  for (const auto& each : cases) {
    const auto reply = parse_reply(each.line);
    ASSERT_TRUE(reply) << each.description;
    const auto* answer = std::get_if<Answer>(&reply.value());
    ASSERT_NE(answer, nullptr) << each.description;
    EXPECT_EQ(answer->id, 1) << each.description;
    if (answer->outcome) {
      EXPECT_STREQ(each.code, "") << each.description;
      EXPECT_EQ(answer->outcome.value(), json::parse(each.text)) << each.description;
    } else {
      EXPECT_EQ(answer->outcome.error().code, each.code) << each.description;
      EXPECT_EQ(answer->outcome.error().message, each.text) << each.description;
    }
  }
}

TEST(ParseReply, RejectsOtherLines) {
  for (const char* line :
       {"", "x", "[]", "{}", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})", R"({"jsonrpc":"2.0","id":1,"error":"x"})",
        R"({"jsonrpc":"2.0","result":1})", R"({"jsonrpc":"2.0","method":1})",
        R"({"jsonrpc":"2.0","method":"m","params":[]})"}) {
    const auto reply = parse_reply(line);
    ASSERT_FALSE(reply) << line;
    EXPECT_EQ(reply.error().code, "protocol") << line;
  }
}

}  // namespace
}  // namespace weir::rpc
