#include <string>
#include <vector>

#include "tests/unit/dataplane/rpc/test_server.h"

namespace weir::rpc::testing {
namespace {

using nlohmann::json;

void expect_service(const std::string& path) {
  const auto answer = call(path, "echo", {{"n", 1}}, kPatience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value(), json({{"n", 1}}));
}

TEST(HostileClient, OverlongLineEndsItsConnectionWithAnError) {
  RunningServer server(echo, {.line_bytes = 1000});
  for (const bool ended : {false, true}) {
    RawClient client(server.path());
    client.send(echo_request(1) + std::string(1001, 'x') + (ended ? "\n" : "") + echo_request(2));
    EXPECT_EQ(client.json()["result"]["n"], 1);
    EXPECT_EQ(client.json()["error"]["data"]["code"], "invalid_request");
    EXPECT_EQ(client.line(), std::nullopt);
  }
  expect_service(server.path());
}

TEST(HostileClient, IdleClientsAndHalfLinesDelayNobody) {
  RunningServer server(echo);
  std::vector<RawClient> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(server.path());
    if (i % 2 == 1) idle.back().send(R"({"jsonrpc":"2.0",)");
  }
  expect_service(server.path());
  idle[1].send("\"id\":1,\"method\":\"echo\"}\n");
  EXPECT_EQ(idle[1].json()["id"], 1);
}

TEST(HostileClient, FloodThatReadsNothingIsDropped) {
  RunningServer server(echo, {.unsent_bytes = 100000});
  RawClient client(server.path());
  const std::string request =
      R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":")" + std::string(1000, 'x') + "\"}}\n";
  int sent = 0;
  while (sent < 100000 && client.send(request)) ++sent;
  EXPECT_LT(sent, 100000);
  expect_service(server.path());
}

TEST(HostileClient, IsGivenUpIfItReadsNoNotifications) {
  std::atomic<bool> gone{false};
  RunningServer server(
      [&](const Request& request, const std::shared_ptr<Responder>& responder) {
        if (request.method != "follow") return echo(request, responder);
        while (responder->alive()) responder->notify("event", {{"text", std::string(1000, 'x')}});
        gone.store(true);
      },
      {.unsent_bytes = 100000});
  RawClient client(server.path());
  client.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"follow\"}\n");
  expect_service(server.path());
  EXPECT_TRUE(gone.load());
}

TEST(HostileClient, SilentClientsMakeRoomForNewOnes) {
  RunningServer server(echo, {.clients = 4});
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(server.path());
    clients.back().send(echo_request(i));
    EXPECT_EQ(clients.back().json()["id"], i);
  }
  clients[0].send(echo_request(0));  // now the second client was silent longest
  EXPECT_EQ(clients[0].json()["id"], 0);
  expect_service(server.path());
  EXPECT_EQ(clients[1].line(), std::nullopt);
  clients[0].send(echo_request(5));
  EXPECT_EQ(clients[0].json()["id"], 5);
}

TEST(HostileClient, GetsBusyIfAllClientsWaitForAnswers) {
  std::vector<std::shared_ptr<Responder>> waiting;  // used only by the server's thread
  RunningServer server(
      [&](const Request& request, std::shared_ptr<Responder> responder) {
        responder->notify("started", json::object());
        if (request.method == "hang") waiting.push_back(std::move(responder));
      },
      {.clients = 2});
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(server.path());
    clients.back().send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hang\"}\n");
    EXPECT_EQ(clients.back().json()["method"], "started");
  }
  const auto answer = call(server.path(), "echo", json::object(), kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "busy");
  server.stop();
  waiting.clear();
}

TEST(HostileClient, IncompleteLinesAreBoundedOverAllClients) {
  RunningServer server(echo, {.line_bytes = 1000, .buffered_bytes = 2500});
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server.path());
    clients.back().send(echo_request(i));
    EXPECT_EQ(clients.back().json()["id"], i);
    clients.back().send(std::string(900, ' '));
  }
  EXPECT_EQ(clients[2].json()["error"]["data"]["code"], "busy");
  EXPECT_EQ(clients[2].line(), std::nullopt);
  for (int i = 0; i < 2; ++i) {
    clients[static_cast<std::size_t>(i)].send(echo_request(i));
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].json()["id"], i);
  }
  // The memory of the closed client is free again.
  RawClient client(server.path());
  client.send(std::string(900, ' ') + echo_request(7));
  EXPECT_EQ(client.json()["id"], 7);
}

TEST(HostileClient, RequestsOfADisconnectedClientAreServed) {
  std::atomic<int> served{0};
  RunningServer server([&](const Request& request, const std::shared_ptr<Responder>& responder) {
    ++served;
    echo(request, responder);
  });
  for (int i = 0; i < 50; ++i) {
    RawClient client(server.path());
    client.send("{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n");
    client.close();
  }
  while (served.load() < 50) std::this_thread::yield();
  expect_service(server.path());
}

TEST(HostileClient, NeverCrashesTheServerWithBytes) {
  RunningServer server(echo, {.line_bytes = 4096});
  const std::vector<std::string> lines{
      std::string(4096, '['),
      std::string(4096, '{'),
      std::string("\0\0\0", 3),
      "\xff\xfe\xfd",
      R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\u0000"}})",
      R"({"jsonrpc":"2.0","id":1e308,"method":"echo","params":{"a":-0.0,"b":1e-400}})",
      R"({"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"id":2,"method":"echo","method":"no"})",
  };
  RawClient client(server.path());
  for (const auto& line : lines) {
    ASSERT_TRUE(client.send(line + "\n"));
    EXPECT_TRUE(client.json().is_object());
  }
  expect_service(server.path());
}

}  // namespace
}  // namespace weir::rpc::testing
