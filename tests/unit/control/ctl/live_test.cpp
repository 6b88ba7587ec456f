#include "control/ctl/commands/live.h"

#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/rpc/server.h"
#include "tests/support/scratch.h"

namespace weir::ctl {
namespace {

using nlohmann::json;

json sample(std::uint64_t packets, std::uint64_t http, std::uint64_t blocked) {
  const json port{
      {"received_packets", packets}, {"received_bytes", packets * 100}, {"missed_packets", packets / 10}};
  return {
      {"status",
       {{"healthy", true},
        {"enforcement", "enforce"},
        {"generation", 7},
        {"lists",
         {{{"name", "hotline"}, {"entries", 5}, {"last_success", 1}}, {{"name", "local"}, {"entries", 0}}}},
        {"dataplane",
         {{"status", {{"ports", {port, port}}, {"workers", {{{"lcore", 1}, {"busy_ratio", 0.25}}}}}}}}}},
      {"counters",
       {{"families",
         {{{"name", "weir_requests_total"},
           {"samples",
            {{{"labels", {{"protocol", "http"}, {"verdict", "pass"}}}, {"value", http}},
             {{"labels", {{"protocol", "http"}, {"verdict", "block"}}}, {"value", http}}}}},
          {{"name", "weir_blocked_total"},
           {"samples", {{{"labels", {{"protocol", "http"}, {"list", "hotline"}}}, {"value", blocked}}}}}}}}}};
}

TEST(Top, ComputesRatesFromTwoSamples) {
  const json figures = top_figures(sample(1000, 10, 4), sample(3000, 30, 8), 2.0);
  EXPECT_EQ(figures["packets_per_second"], 2000.0);
  EXPECT_EQ(figures["bytes_per_second"], 200000.0);
  EXPECT_EQ(figures["missed_per_second"], 200.0);
  EXPECT_EQ(figures["requests_per_second"], (json{{"http", 20.0}}));
  EXPECT_EQ(figures["blocked_per_second"], (json{{"hotline", 2.0}}));
  EXPECT_EQ(figures["workers"][0]["busy_ratio"], 0.25);
  EXPECT_EQ(figures["healthy"], true);
  EXPECT_GT(figures["lists"][0]["age_seconds"], 1e9);
  EXPECT_EQ(figures["lists"][1]["age_seconds"], nullptr);
  // A restarted dataplane counts from zero.
  EXPECT_EQ(top_figures(sample(3000, 30, 8), sample(500, 10, 4), 1.0)["packets_per_second"], 1000.0);
  std::ostringstream out;
  const Session session("/nowhere", false, false, out);
  const std::string page = top_page(session, figures);
  EXPECT_NE(page.find("Weir is doing its job\nenforcement enforce, generation 7\n"
                      "2000 packets/s, 1.6 Mbit/s, 200 missed/s\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("1  25 %"), std::string::npos) << page;
}

TEST(Top, AcceptsAnyAnswer) {
  std::ostringstream out;
  const Session session("/nowhere", false, false, out);
  for (
      const char* text :
      {"{}", "null", "[]", R"({"status":5,"counters":5})", R"({"status":{"problems":[5],"lists":[5]}})",
       R"({"status":{"problems":["x"]},"counters":{"families":[{"name":"weir_blocked_total","samples":[{}]}]}})"}) {
    const json any = json::parse(text);
    const json figures = top_figures(any, any, 0.0);
    EXPECT_NE(top_page(session, figures).find("NOT doing its job"), std::string::npos);
  }
}

/// A control daemon that answers `events.follow` and `status`, and sends the given events.
class Control {
 public:
  explicit Control(const std::string& socket, std::vector<std::string> batches)
      : batches_(std::move(batches)) {
    auto server =
        rpc::Server::listen(socket, 0600, [this](rpc::Request&& request, std::shared_ptr<rpc::Responder> to) {
          if (request.method != "events.follow") return to->result({{"healthy", false}});
          to->result({{"following", true}});
          for (const std::string& batch : batches_) to->notify("events", json::parse(batch));
        });
    EXPECT_TRUE(server.ok());
    server_ = std::move(server).value();
    thread_ = std::thread([this] {
      while (!stop_.load()) server_->run_once(std::chrono::milliseconds(50));
    });
  }
  ~Control() {
    stop_.store(true);
    server_->wake();
    thread_.join();
  }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

 private:
  const std::vector<std::string> batches_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<rpc::Server> server_;
  std::thread thread_;
};

TEST(Events, StopsAfterTheGivenCount) {
  const test::Scratch scratch;
  const std::string socket = (scratch / "control.sock").string();
  const Control control(socket,
                        {R"({"events":[{"time":1.5,"rule":7,"list":"hotline","protocol":"tls"}],"lost":0})",
                         R"({"events":[{"time":2.5,"rule":8,"list":null,"protocol":"quic"},
                                               {"time":3.5,"rule":9,"list":"l","protocol":"http"}],"lost":12})"});
  std::ostringstream out;
  const Session session(socket, true, false, out);
  EXPECT_EQ(run_events(session, {{}, {{"count", "2"}}}, out), kDone);
  EXPECT_EQ(out.str(),
            "{\"list\":\"hotline\",\"protocol\":\"tls\",\"rule\":7,\"time\":1.5}\n"
            "{\"lost\":12}\n"
            "{\"list\":null,\"protocol\":\"quic\",\"rule\":8,\"time\":2.5}\n");
  std::ostringstream text;
  EXPECT_EQ(run_events(Session(socket, false, false, text), {{}, {{"count", "3"}}}, text), kDone);
  EXPECT_NE(text.str().find("tls   list hotline, rule 7\n12 events were lost\n"), std::string::npos)
      << text.str();
  EXPECT_NE(text.str().find("quic  list -, rule 8\n"), std::string::npos) << text.str();
  EXPECT_EQ(run_events(session, {{}, {{"count", "x"}}}, out), kUsage);
  std::ostringstream page;
  EXPECT_EQ(run_top(Session(socket, true, false, page), {{}, {{"once", ""}}}, page), kFailed);
  EXPECT_EQ(json::parse(page.str())["healthy"], false);
}

TEST(Events, EndsWhenTheDaemonGoesAway) {
  const test::Scratch scratch;
  const std::string socket = (scratch / "control.sock").string();
  std::ostringstream out;
  const Session session(socket, false, false, out);
  EXPECT_EQ(run_events(session, {}, out), kFailed);
  EXPECT_NE(out.str().find("systemctl start weir-control"), std::string::npos) << out.str();
  out.str("");
  auto control = std::make_unique<Control>(
      socket,
      std::vector<std::string>{R"({"events":[{"time":1,"rule":7,"list":"l","protocol":"h2c"}],"lost":0})"});
  std::atomic<int> status{-1};
  std::ostringstream followed;
  std::thread follower(
      [&] { status.store(run_events(Session(socket, false, false, followed), {}, followed)); });
  ::usleep(200000);  // whether or not it follows already, it must end
  control.reset();
  follower.join();
  EXPECT_EQ(status.load(), kFailed);
}

}  // namespace
}  // namespace weir::ctl
