#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/scenario/capture_read.h"
#include "tests/scenario/scenario.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::http_get;

/// A capture of a blocked request, an unlisted one and a hello, and a list for it.
class ReplayProgram : public testing::Test {
 protected:
  void SetUp() override {
    test::PcapWriter writer(directory_ / "in.pcap");
    using std::chrono::microseconds;
    const microseconds start{1767323045000006};
    writer.write(client(81).payload(http_get("listed.example.com", "/a?b=c")).build(), start);
    writer.write(client_v6(82).payload(http_get("www.example.org:8080")).build(), start + microseconds(1));
    writer.write(
        client(443)
            .payload(test::TlsHelloBuilder().sni("www.example.org").alpn({"h2", "http/1.1"}).ech().record())
            .build(),
        start + microseconds(2));
    write_text(directory_ / kListName, "# a comment\nlisted.example.com  # another\n");
  }

  Finished run(const std::vector<std::string>& arguments) { return run_replay(arguments, directory_); }
  std::string path(const std::string& name) { return (directory_ / name).string(); }

  TemporaryDirectory directory_;
};

TEST_F(ReplayProgram, PrintsTheJsonOfTheInterface) {
  const Finished all = run({"--list", path(kListName), "--all", "--json", path("in.pcap")});
  EXPECT_EQ(all.status, 0);
  EXPECT_EQ(all.err, "");
  const std::string blocked =
      R"({"packet":1,"time":"2026-01-02T03:04:05.000006Z","l4":"tcp","src":"10.0.0.1","sport":40000,)"
      R"("dst":"192.0.2.1","dport":81,"protocol":"http","host":"listed.example.com","port":null,"path":"/a",)"
      R"("query":"b=c","method":"GET","alpn":null,"ech":false,"verdict":"block","list":"hot.txt","rule":2,)"
      R"("reason":"listed"})"
      "\n";
  EXPECT_EQ(
      all.out,
      blocked +
          R"({"packet":2,"time":"2026-01-02T03:04:05.000007Z","l4":"tcp","src":"2001:db8::1","sport":40000,)"
          R"("dst":"2001:db8::2","dport":82,"protocol":"http","host":"www.example.org","port":8080,"path":"/",)"
          R"("query":null,"method":"GET","alpn":null,"ech":false,"verdict":"pass","list":null,"rule":null,)"
          R"("reason":"no_match"})"
          "\n"
          R"({"packet":3,"time":"2026-01-02T03:04:05.000008Z","l4":"tcp","src":"10.0.0.1","sport":40000,)"
          R"("dst":"192.0.2.1","dport":443,"protocol":"tls","host":"www.example.org","port":null,"path":null,)"
          R"("query":null,"method":null,"alpn":["h2","http/1.1"],"ech":true,"verdict":"pass","list":null,)"
          R"("rule":null,"reason":"no_match"})"
          "\n");
  EXPECT_EQ(run({"--list", path(kListName), "--json", path("in.pcap")}).out, blocked) << "without --all";
}

TEST_F(ReplayProgram, PrintsTextForPeople) {
  const Finished finished = run({"--list", path(kListName), path("in.pcap")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(finished.out,
            "     1  2026-01-02T03:04:05.000006Z  http  10.0.0.1:40000 -> 192.0.2.1:81  block  "
            "GET listed.example.com/a?b=c  listed hot.txt:2\n");
}

TEST_F(ReplayProgram, NamesTheFileIfThereAreSeveral) {
  const Finished finished = run({"--list", path(kListName), "--json", path("in.pcap"), path("in.pcap")});
  const auto lines = lines_of(finished.out);
  // In the second file the same connection is blocked already.
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["file"], path("in.pcap"));
}

TEST_F(ReplayProgram, WithoutRulesEverythingPasses) {
  const Finished finished = run({"--all", "--stats", path("in.pcap")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(lines_of(finished.out).size(), 3U);
  const auto stats = nlohmann::json::parse(finished.err);
  EXPECT_EQ(stats["reasons"]["no_match"], 3);
  EXPECT_EQ(stats["requests"]["http"], 2);
  EXPECT_EQ(stats["requests"]["tls"], 1);
  EXPECT_EQ(stats["ech"], 1);
  EXPECT_GT(stats["bytes"], 100);
  EXPECT_GE(stats["seconds"], 0.0);
}

TEST_F(ReplayProgram, RepeatsWithAnEmptyFlowTable) {
  const Finished finished = run(
      {"--list", path(kListName), "--stats", "--repeat", "5", "--write", path("out.pcap"), path("in.pcap")});
  EXPECT_EQ(lines_of(finished.out).size(), 1U) << "printed once";
  EXPECT_EQ(read_capture(directory_ / "out.pcap").frames.size(), 3U) << "written once";
  const auto stats = nlohmann::json::parse(finished.err);
  EXPECT_EQ(stats["packets"], 15);
  EXPECT_EQ(stats["outcomes"]["drop_blocked"], 5) << "with flows kept between the runs it would be 1";
}

TEST_F(ReplayProgram, SkipsAndReportsBadListLines) {
  write_text(directory_ / "bad.txt", "listed.example.com\ncom\n\nexa mple.com\n");
  const Finished finished = run({"--list", path("bad.txt"), "--json", path("in.pcap")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(lines_of(finished.out).size(), 1U) << "the other lines are in force";
  const auto skipped = lines_of(finished.err);
  ASSERT_EQ(skipped.size(), 3U);
  EXPECT_TRUE(skipped[0].starts_with(path("bad.txt") + ":2: ")) << skipped[0];
  EXPECT_TRUE(skipped[1].starts_with(path("bad.txt") + ":4: ")) << skipped[1];
  EXPECT_NE(skipped[2].find("2 list lines skipped"), std::string::npos) << skipped[2];
  EXPECT_EQ(finished.err.find("exa mple"), std::string::npos) << "the text of a list is never printed";
}

TEST_F(ReplayProgram, TheFirstListHasPrecedence) {
  write_text(directory_ / "one.txt", "www.example.com\nexample.com/other\n");
  write_text(directory_ / "two.txt", "# x\n# y\nlisted.example.com\n");
  write_text(directory_ / "three.txt", "listed.example.com\n");
  const Finished finished = run({"--list", path("one.txt"), "--list", path("two.txt"), "--list",
                                 path("three.txt"), "--json", path("in.pcap")});
  const auto request = nlohmann::json::parse(finished.out);
  EXPECT_EQ(request["list"], "two.txt");
  EXPECT_EQ(request["rule"], 3);
}

TEST_F(ReplayProgram, UsesTheConfiguration) {
  write_text(directory_ / "page.html", "<p>a page of our own");
  write_text(directory_ / "weir.yaml",
             "dataplane:\n  block:\n    handshake: none\n    http: {status: 403, page: \"" +
                 path("page.html") + "\"}\n");
  EXPECT_EQ(run({"--check-config", "--config", path("weir.yaml")}).status, 0);
  const Finished finished = run({"--config", path("weir.yaml"), "--list", path(kListName), "--write",
                                 path("out.pcap"), path("in.pcap")});
  EXPECT_EQ(finished.status, 0) << finished.err;
  const auto frames = read_capture(directory_ / "out.pcap").frames;
  ASSERT_FALSE(frames.empty());
  const auto page = test::to_text(frames[0]);
  EXPECT_NE(page.find("HTTP/1.1 403 Forbidden"), std::string_view::npos);
  EXPECT_TRUE(page.ends_with("<p>a page of our own"));
}

TEST_F(ReplayProgram, RejectsUnusableInput) {
  write_text(directory_ / "weir.yaml", "dataplane:\n  blok: {}\n");
  write_text(directory_ / "bad.snapshot", "no snapshot at all");
  write_text(directory_ / "page.yaml",
             "dataplane:\n  block: {http: {page: \"" + path("absent.html") + "\"}}\n");
  struct Case {
    std::string what;
    std::vector<std::string> arguments;
    int status;
    std::string message;  // part of it
  };
  const std::vector<Case> cases{
      {"no capture", {}, 2, "no capture given"},
      {"an unknown option", {"--frobnicate", path("in.pcap")}, 2, "frobnicate"},
      {"no runs", {"--repeat", "0", path("in.pcap")}, 2, "--repeat"},
      {"two sources of rules", {"--list", "a", "--snapshot", "b", path("in.pcap")}, 2, "--snapshot"},
      {"a missing list", {"--list", path("absent.txt"), path("in.pcap")}, 2, "absent.txt"},
      {"a file that is not a snapshot",
       {"--snapshot", path("bad.snapshot"), path("in.pcap")},
       2,
       "bad.snapshot"},
      {"a configuration with an unknown key",
       {"--config", path("weir.yaml"), path("in.pcap")},
       2,
       "weir.yaml:2"},
      {"the same, checked", {"--check-config", "--config", path("weir.yaml")}, 2, "weir.yaml:2"},
      {"a missing page", {"--config", path("page.yaml"), path("in.pcap")}, 2, "absent.html"},
      {"a missing capture", {path("absent.pcap")}, 1, "absent.pcap"},
      {"a file that is not a capture", {path(kListName)}, 1, "offset 0: neither pcap nor pcapng"},
      {"an output file that cannot be created",
       {"--write", path("no/such/out.pcap"), path("in.pcap")},
       1,
       "out.pcap"},
  };
  for (const Case& test : cases) {
    const Finished finished = run(test.arguments);
    EXPECT_EQ(finished.status, test.status) << test.what;
    EXPECT_NE(finished.err.find(test.message), std::string::npos) << test.what << ": " << finished.err;
  }
}

TEST_F(ReplayProgram, ReadsABrokenCaptureUpToTheDamage) {
  const std::string whole = read_text(directory_ / "in.pcap");
  write_text(directory_ / "cut.pcap", std::string_view(whole).substr(0, whole.size() - 10));
  const Finished finished = run({"--all", path("cut.pcap")});
  EXPECT_EQ(finished.status, 1);
  EXPECT_EQ(lines_of(finished.out).size(), 2U);
  EXPECT_NE(finished.err.find("cut.pcap: offset "), std::string::npos) << finished.err;
}

TEST_F(ReplayProgram, HelpAndVersion) {
  const Finished help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* option : {"--list", "--snapshot", "--config", "--check-config", "--write", "--all",
                             "--json", "--stats", "--repeat", "--help", "--version"}) {
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  }
  const Finished version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(version.out.starts_with("weir-replay ")) << version.out;
}

}  // namespace
}  // namespace weir::scenario
