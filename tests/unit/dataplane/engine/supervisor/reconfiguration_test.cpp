#include "dataplane/engine/supervisor/reconfiguration.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "dataplane/proto/packet/packet_view.h"
#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReconfigurationTest : public testing::Test {
 protected:
  ReconfigurationTest() {
    std::filesystem::create_directory(directory_);
    write("page.html", "the first page");
    configure("");
  }
  ~ReconfigurationTest() override { std::filesystem::remove_all(directory_); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  void configure(const std::string& more, const std::string& http = "") const {
    write("weir.yaml",
          "dataplane:\n  ports:\n    - {name: s, device: net_null0, role: subscriber}\n"
          "    - {name: n, device: net_null1, role: network}\n" +
              more + "  block: {http: {page: \"" + (directory_ / "page.html").string() + "\"" + http +
              "}}\n");
  }
  Reconfiguration reconfiguration(Wire& wire) const {
    const auto settings = config::load_settings(directory_ / "weir.yaml", config::Audience::dataplane);
    EXPECT_TRUE(settings.ok()) << settings.error().message;
    return {(directory_ / "weir.yaml").string(), settings.value().dataplane, wire.shared().page};
  }
  /// The answer to a listed request over IPv6, which is one segment.
  static std::string answer_of(Wire& wire, std::uint16_t port = 41000) {
    wire.subscriber().send(listed(port));
    wire.run();
    return text_of(wire.subscriber().receive());
  }
  static Bytes listed(std::uint16_t port) {
    return PacketBuilder()
        .ethernet()
        .ipv6("2001:db8::1:" + std::to_string(port % 10), "2001:db8::2")
        .tcp(port, 80)
        .seq(1000)
        .ack(2000)
        .flags("PA")
        .payload("GET / HTTP/1.1\r\nHost: listed.example\r\n\r\n")
        .build();
  }
  static std::string text_of(const std::vector<Bytes>& frames) {
    std::string text;
    for (const Bytes& frame : frames) {
      text += test::to_text(proto::parse_packet(frame, proto::LinkType::ethernet).payload);
    }
    return text;
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("weir-reconfiguration-" + std::to_string(getpid()));
};

TEST_F(ReconfigurationTest, ReadsThePageAgain) {
  Wire wire;
  auto reconfiguration = this->reconfiguration(wire);
  for (const std::string page : {"another page", "and yet another"}) {
    write("page.html", page);
    const auto answer = reconfiguration.reload();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer.value()["changed"], nlohmann::json::array())
        << "the content of the file is not a setting";
    EXPECT_THAT(answer_of(wire), HasSubstr("\r\n\r\n" + page));
  }
}

TEST_F(ReconfigurationTest, AppliesTheSettingsOfThePageAndNamesTheOthers) {
  Wire wire;
  auto reconfiguration = this->reconfiguration(wire);
  configure("  idle: busy\n", ", status: 403");
  const auto answer = reconfiguration.reload();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_THAT(answer.value()["changed"].get<std::vector<std::string>>(),
              ElementsAre("dataplane.idle", "dataplane.block.http.status"));
  EXPECT_THAT(answer.value()["needs_restart"].get<std::vector<std::string>>(), ElementsAre("dataplane.idle"));
  EXPECT_THAT(answer_of(wire), HasSubstr("HTTP/1.1 403 Forbidden"));
  const auto again = reconfiguration.reload();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value()["changed"], nlohmann::json::array({"dataplane.idle"})) << "the status is in force";
}

TEST_F(ReconfigurationTest, AnErrorChangesNothing) {
  Wire wire;
  auto reconfiguration = this->reconfiguration(wire);
  ASSERT_TRUE(reconfiguration.reload().ok());
  struct Case {
    const char* description;
    const char* file;
    std::string text;
    const char* code;
    const char* says;
  };
  const Case cases[] = {
      {"an empty page", "page.html", "", "config_invalid", "page.html: it is empty"},
      {"a page that is too long", "page.html", std::string(20000, 'x'), "config_invalid",
       "dataplane.block.http"},
      {"an unknown key", "weir.yaml", "dataplane: {colour: red}\n", "config_invalid", "unknown key"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    write(row.file, row.text);
    const auto answer = reconfiguration.reload();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, row.code);
    EXPECT_THAT(answer.error().message, HasSubstr(row.says));
  }
  std::filesystem::remove(directory_ / "weir.yaml");
  EXPECT_EQ(reconfiguration.reload().error().code, "config_unreadable");
  EXPECT_THAT(answer_of(wire), HasSubstr("\r\n\r\nthe first page"));
}

TEST_F(ReconfigurationTest, UnderLoadEveryAnswerIsOfOnePage) {
  WireOptions options;
  options.workers = 2;
  Wire wire(options);
  auto reconfiguration = this->reconfiguration(wire);
  write("page.html", std::string(300, 'a'));
  ASSERT_TRUE(reconfiguration.reload().ok());
  constexpr std::uint16_t kRequests = 300;
  for (std::uint16_t i = 0; i < kRequests; ++i)
    wire.subscriber().send(listed(static_cast<std::uint16_t>(20000 + i)));
  wire.start_for_long();
  for (int i = 0; i < 20; ++i) {
    write("page.html", std::string(300, i % 2 == 0 ? 'a' : 'b'));
    ASSERT_TRUE(reconfiguration.reload().ok());
  }
  wire.settle();
  wire.stop();
  EXPECT_EQ(wire.count(base::Outcome::drop_blocked), kRequests);
  wire.expect_conservation();
  std::size_t pages = 0;
  for (const Bytes& frame : wire.subscriber().receive()) {
    const std::string text = text_of({frame});
    if (text.empty()) continue;
    ++pages;
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    EXPECT_TRUE(body == std::string(300, 'a') || body == std::string(300, 'b')) << text;
  }
  EXPECT_EQ(pages, kRequests);
}

}  // namespace
}  // namespace weir::engine
