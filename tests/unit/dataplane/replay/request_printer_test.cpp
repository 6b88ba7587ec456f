#include "dataplane/replay/request_printer.h"

#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/packet_builder.h"

namespace weir::replay {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(FormatTime, IsUtcWithMicroseconds) {
  struct Case {
    nanoseconds time;
    std::string text;
  };
  for (const auto& [time, text] : {Case{nanoseconds(0), "1970-01-01T00:00:00.000000Z"},
                                   Case{nanoseconds(1767323045'000006'999), "2026-01-02T03:04:05.000006Z"},
                                   Case{nanoseconds(-1), "1969-12-31T23:59:59.999999Z"},
                                   Case{seconds(9'000'000'000), "2255-03-14T16:00:00.000000Z"}}) {
    EXPECT_EQ(format_time(time), text);
  }
}

class Printer : public testing::Test {
 protected:
  std::string print(RequestPrinter::Settings settings, const inspect::RequestRecord& record) {
    std::ostringstream out;
    RequestPrinter printer(settings, out, nullptr);
    const std::string file = "a.pcap";
    printer.at(file, 12, seconds(1));
    printer.on_request(record);
    EXPECT_EQ(printer.count(record.reason), 1U) << "counted even if it is not printed";
    return out.str();
  }

  test::Bytes frame_ =
      test::PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").tcp(1, 2).payload("x").build();
  proto::PacketView view_ = proto::parse_packet(frame_, proto::LinkType::ethernet);
  inspect::RequestRecord record_{.protocol = base::Protocol::http, .packet = &view_};
};

TEST_F(Printer, JsonIsValidWhateverTheClientSent) {
  record_.method = "\xff\"\n\x01";
  const std::string line = print({.json = true, .passed_too = true}, record_);
  ASSERT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
  const auto request = nlohmann::json::parse(line);
  EXPECT_TRUE(request["host"].is_null());
  EXPECT_TRUE(request["path"].is_null());
}

TEST_F(Printer, EscapesTerminalControls) {
  record_.method = "\x1b[2J";
  record_.host = "example.com";
  const std::string line = print({.passed_too = true}, record_);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("\\x1b[2J example.com"), std::string::npos) << line;
}

TEST_F(Printer, PassedRequestsOnlyOnRequest) {
  EXPECT_EQ(print({.json = true}, record_), "");
  EXPECT_NE(print({.json = true, .passed_too = true}, record_), "");
}

TEST_F(Printer, TlsHasAListOfAlpnNames) {
  record_.protocol = base::Protocol::tls;
  const auto bare = nlohmann::json::parse(print({.json = true, .passed_too = true}, record_));
  EXPECT_EQ(bare["alpn"], nlohmann::json::array());
  const std::vector<std::string_view> names{"h2", "\xff"};
  record_.alpn = names;
  const auto named = nlohmann::json::parse(print({.json = true, .passed_too = true}, record_));
  EXPECT_EQ(named["alpn"].size(), 2U);
  EXPECT_EQ(named["alpn"][0], "h2");
}

}  // namespace
}  // namespace weir::replay
