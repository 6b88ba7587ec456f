#include "dataplane/rpc/server.h"

#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/dataplane/rpc/test_server.h"

namespace weir::rpc::testing {
namespace {

using nlohmann::json;

struct ExchangeCase {
  const char* description;
  std::vector<std::string> sent;
  std::vector<std::string> answers;
};

TEST(Server, AnswersEachLine) {
  const std::string one = R"({"id":1,"jsonrpc":"2.0","result":{"n":1}})";
  const std::string two = R"({"id":2,"jsonrpc":"2.0","result":{"n":2}})";
  const std::vector<ExchangeCase> cases{
      {"one request", {echo_request(1)}, {one}},
      {"two in one packet", {echo_request(1) + echo_request(2)}, {one, two}},
      {"byte by byte",
       {"{", "\"jsonrpc\":\"2.0\",\"id\":1,\"met", "hod\":\"echo\",\"params\":{\"n\":1}}", "\n"},
       {one}},
      {"blank lines between", {"\n\r\n" + echo_request(1) + "  \n" + echo_request(2)}, {one, two}},
      {"a notification gets nothing",
       {"{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n" + echo_request(2)},
       {two}},
      {"an unknown notification gets nothing",
       {"{\"jsonrpc\":\"2.0\",\"method\":\"no\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"no\",\"params\":[]}\n" +
        echo_request(2)},
       {two}},
      {"garbage is answered and the next line served",
       {"garbage\n" + echo_request(1)},
       {R"({"error":{"code":-32700,"data":{"code":"parse_error"},"message":"not JSON: expected one JSON-RPC 2.0 object per line, in UTF-8"},"id":null,"jsonrpc":"2.0"})",
        one}},
      {"a batch is refused",
       {"[]\n" + echo_request(1)},
       {R"({"error":{"code":-32600,"data":{"code":"invalid_request"},"message":"batches are not supported: send one request per line"},"id":null,"jsonrpc":"2.0"})",
        one}},
      {"an unknown method",
       {"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"no\"}\n"},
       {R"({"error":{"code":-32601,"data":{"code":"method_not_found"},"message":"no method no"},"id":9,"jsonrpc":"2.0"})"}},
  };
  RunningServer server(echo);
  for (const auto& each : cases) {
    RawClient client(server.path());
    for (const auto& piece : each.sent) ASSERT_TRUE(client.send(piece));
    client.end_sending();  // half-closed: pending requests are answered, then the stream ends
    for (const auto& answer : each.answers) EXPECT_EQ(client.line(), answer) << each.description;
    EXPECT_EQ(client.line(), std::nullopt) << each.description;
  }
}

TEST(Server, IdentifiesThePeer) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->result({{"uid", request.peer.uid}, {"gid", request.peer.gid}, {"pid", request.peer.pid}});
  });
  const auto answer = call(server.path(), "who", json::object(), kPatience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value(), json({{"uid", ::getuid()}, {"gid", ::getgid()}, {"pid", ::getpid()}}));
}

TEST(Server, SendsAnInternalErrorIfTheHandlerThrowsOrForgets) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>&) {
    if (request.method == "throw") throw std::runtime_error("a fault");
  });
  const auto thrown = call(server.path(), "throw", json::object(), kPatience);
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, "internal");
  EXPECT_EQ(thrown.error().message, "throw failed: a fault");
  const auto forgotten = call(server.path(), "forget", json::object(), kPatience);
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code, "internal");
}

TEST(Server, SendsOneAnswerOnly) {
  RunningServer server([](const Request&, const std::shared_ptr<Responder>& responder) {
    responder->result(1);
    responder->result(2);
    responder->fail({"late", "late"});
  });
  RawClient client(server.path());
  client.send(echo_request(1));
  client.end_sending();
  EXPECT_EQ(client.json()["result"], 1);
  EXPECT_EQ(client.line(), std::nullopt);
}

TEST(Server, ReplacesAnAnswerThatIsTooLarge) {
  RunningServer server(
      [](const Request&, const std::shared_ptr<Responder>& responder) {
        responder->result(std::string(5000, 'x'));
      },
      {.unsent_bytes = 4096});
  const auto answer = call(server.path(), "m", json::object(), kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "response_too_large");
}

// Clients half-close after their request, and another thread answers: each gets its answer and then the end
// of the stream, whatever the timing.
TEST(Server, TakesAnswersFromAnyThread) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> waiting;
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop.load()) {
      std::vector<std::shared_ptr<Responder>> taken;
      {
        const std::lock_guard lock(mutex);
        taken.swap(waiting);
      }
      for (const auto& responder : taken) responder->result("done");
      taken.clear();
      std::this_thread::yield();
    }
  });
  {
    RunningServer server([&](const Request&, std::shared_ptr<Responder> responder) {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(responder));
    });
    for (int round = 0; round < 300; ++round) {
      RawClient client(server.path());
      client.send(echo_request(1) + echo_request(2));
      client.end_sending();
      ASSERT_EQ(client.json()["result"], "done");
      ASSERT_EQ(client.json()["result"], "done");
      ASSERT_EQ(client.line(), std::nullopt);
    }
  }
  stop.store(true);
  worker.join();
}

TEST(Server, ReadsOnWhenRequestsEndElsewhere) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Responder>> waiting;
  std::atomic<std::size_t> most{0};
  RunningServer server(
      [&](const Request&, std::shared_ptr<Responder> responder) {
        const std::lock_guard lock(mutex);
        waiting.push_back(std::move(responder));
        most.store(std::max(most.load(), waiting.size()));
      },
      {.requests_per_client = 3});
  RawClient client(server.path());
  std::string requests;
  constexpr int kRequests = 200;
  for (int i = 0; i < kRequests; ++i) requests += echo_request(i);
  ASSERT_TRUE(client.send(requests));
  for (int answered = 0; answered < kRequests;) {
    std::vector<std::shared_ptr<Responder>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(waiting);
    }
    for (const auto& responder : taken) responder->result(1);
    const std::size_t count = taken.size();
    taken.clear();
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(client.json()["id"], answered++);
  }
  EXPECT_LE(most.load(), 3U);
}

TEST(Server, SendsNotificationsUntilTheClientDisconnects) {
  std::mutex mutex;
  std::shared_ptr<Responder> stream;
  RunningServer server([&](const Request&, std::shared_ptr<Responder> responder) {
    responder->result({{"following", true}});
    const std::lock_guard lock(mutex);
    stream = std::move(responder);
  });
  auto client = Client::connect(server.path(), kPatience);
  ASSERT_TRUE(client);
  ASSERT_TRUE(client.value().call("events.follow", json::object(), kPatience));
  std::shared_ptr<Responder> held;
  while (!held) {
    const std::lock_guard lock(mutex);
    held = std::move(stream);
  }
  for (int i = 0; i < 3; ++i) {
    held->notify("event", {{"n", i}});
    auto event = client.value().next_event(kPatience);
    ASSERT_TRUE(event) << event.error().message;
    ASSERT_TRUE(event.value().has_value());
    EXPECT_EQ(event.value()->method, "event");
    EXPECT_EQ(event.value()->params, "{\"n\":" + std::to_string(i) + "}");
  }
  EXPECT_TRUE(held->alive());
  { const auto gone = std::move(client).value(); }
  while (held->alive()) std::this_thread::yield();
  held->notify("event", json::object());  // dropped
}

TEST(Server, RespondersOutliveIt) {
  std::mutex mutex;
  std::shared_ptr<Responder> kept;
  auto server = std::make_unique<RunningServer>([&](const Request&, std::shared_ptr<Responder> responder) {
    const std::lock_guard lock(mutex);
    kept = std::move(responder);
  });
  RawClient client(server->path());
  client.send(echo_request(1));
  while (true) {
    const std::lock_guard lock(mutex);
    if (kept) break;
  }
  server.reset();
  EXPECT_EQ(client.line(), std::nullopt);
  EXPECT_FALSE(kept->alive());
  kept->result(1);
  kept->notify("m", json::object());
}

}  // namespace
}  // namespace weir::rpc::testing
