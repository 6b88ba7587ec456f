#include "dataplane/rpc/client.h"

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/dataplane/rpc/test_server.h"

namespace weir::rpc::testing {
namespace {

using nlohmann::json;

TEST(Client, ReportsThatNobodyListens) {
  const TemporaryDirectory directory;
  const auto nothing = call(directory.file("s"), "m", json::object(), kPatience);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, "not_running");
  {
    const auto gone = Listener::open(directory.file("s"), 0600);
    ASSERT_TRUE(gone);
    std::filesystem::rename(directory.file("s"), directory.file("stale"));
  }
  const auto stale = call(directory.file("stale"), "m", json::object(), kPatience);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, "not_running");
}

TEST(Client, CarriesBigRequestsAndAnswers) {
  RunningServer server(echo, {.line_bytes = std::size_t{8} << 20});
  const json params = {{"text", std::string(5 << 20, 'x')}};
  const auto answer = call(server.path(), "echo", params, kPatience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value(), params);
}

TEST(Client, GetsTheReasonWhenARequestIsTooLong) {
  RunningServer server(echo, {.line_bytes = 1000});
  const auto answer = call(server.path(), "echo", {{"text", std::string(5 << 20, 'x')}}, kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "invalid_request");
}

TEST(Client, PassesErrorsOn) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->fail({request.method, "why"});
  });
  for (const char* code : {"snapshot_stale", "internal", "invalid_params"}) {
    const auto answer = call(server.path(), code, json::object(), kPatience);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code);
    EXPECT_EQ(answer.error().message, "why");
  }
}

TEST(Client, MakesSeveralCallsAndKeepsNotifications) {
  RunningServer server([](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->notify("before", *request.params);
    echo(request, responder);
  });
  auto client = Client::connect(server.path(), kPatience);
  ASSERT_TRUE(client);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.value().call("echo", {{"n", i}}, kPatience);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer.value()["n"], i);
  }
  for (int i = 0; i < 3; ++i) {
    const auto event = client.value().next_event(std::chrono::milliseconds(0));
    ASSERT_TRUE(event && event.value());
    EXPECT_EQ(event.value()->params, "{\"n\":" + std::to_string(i) + "}");
  }
  const auto none = client.value().next_event(std::chrono::milliseconds(0));
  ASSERT_TRUE(none);
  EXPECT_FALSE(none.value().has_value());
}

struct BrokenServerCase {
  const char* description;
  std::string bytes;
  bool close;
  const char* code;
};

TEST(Client, SurvivesBrokenServers) {
  const std::vector<BrokenServerCase> cases{
      {"closes at once", "", true, "protocol"},
      {"closes in the middle of an answer", R"({"jsonrpc":"2.0",)", true, "protocol"},
      {"sends garbage", "garbage\n", false, "protocol"},
      {"sends brackets", std::string(100000, '[') + "\n", false, "protocol"},
      {"never answers", "", false, "timeout"},
      {"never ends its line", R"({"jsonrpc":"2.0","id":1,)", false, "timeout"},
      {"answers another call",
       R"({"jsonrpc":"2.0","id":99,"result":1})"
       "\n",
       false, "timeout"},
      {"only notifies",
       R"({"jsonrpc":"2.0","method":"m"})"
       "\n",
       false, "timeout"},
  };
  for (const auto& each : cases) {
    const TemporaryDirectory directory;
    const auto listener = Listener::open(directory.file("s"), 0600);
    ASSERT_TRUE(listener);
    std::atomic<bool> done{false};
    std::thread server([&] {
      pollfd entry{.fd = listener.value().get(), .events = POLLIN, .revents = 0};
      ::poll(&entry, 1, static_cast<int>(kPatience.count()));
      FileDescriptor client(::accept(listener.value().get(), nullptr, nullptr));
      std::array<char, 1000> request{};
      EXPECT_GT(::recv(client.get(), request.data(), request.size(), 0), 0);
      EXPECT_EQ(::send(client.get(), each.bytes.data(), each.bytes.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(each.bytes.size()));
      if (each.close) client.reset();
      while (!done.load()) std::this_thread::yield();
    });
    const auto timeout = std::string_view(each.code) == "timeout" ? std::chrono::milliseconds(50) : kPatience;
    const auto answer = call(directory.file("s"), "m", json::object(), timeout);
    done.store(true);
    server.join();
    ASSERT_FALSE(answer) << each.description;
    EXPECT_EQ(answer.error().code, each.code) << each.description;
  }
}

TEST(Client, TimesOutAtAServerThatDoesNotAccept) {
  const TemporaryDirectory directory;
  const auto listener = Listener::open(directory.file("s"), 0600);
  ASSERT_TRUE(listener);
  std::vector<FileDescriptor> queued;
  for (;;) {
    auto client = connect_to(directory.file("s"));
    ASSERT_TRUE(client) << client.error().message;
    if (!client.value()) break;  // the queue is full
    queued.push_back(std::move(*client.value()));
  }
  const auto answer = call(directory.file("s"), "m", json::object(), std::chrono::milliseconds(30));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "timeout");
}

}  // namespace
}  // namespace weir::rpc::testing
