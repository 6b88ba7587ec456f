#include "control/ctl/commands/compile.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "tests/support/scratch.h"

namespace weir::ctl {
namespace {

using test::read_file;
using test::Scratch;
using test::write_file;
using Options = std::map<std::string, std::string, std::less<>>;

constexpr const char* kSeed = "000102030405060708090a0b0c0d0e0f";

class Compile : public testing::Test {
 protected:
  int run(std::vector<std::string> lists, Options options = {}, bool as_json = false) {
    out_.str("");
    errors_.str("");
    options.try_emplace("output", output_.string());
    const Session session("", as_json, false, out_);
    return compile_lists(session, {.arguments = std::move(lists), .options = std::move(options)}, errors_);
  }
  std::string list(const std::string& name, std::string_view text) {
    const auto path = scratch_ / name;
    write_file(path, text);
    return path.string();
  }
  // `LIST RULE`, or `pass`.
  std::string verdict(std::string_view text, bool encrypted = false) {
    const std::string file = read_file(output_);
    const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(file.data()),
                                       reinterpret_cast<const std::byte*>(file.data() + file.size()));
    const auto view = match::SnapshotView::open(bytes);
    if (!view) return view.error().code;
    EXPECT_EQ(url_->assign_url(text, proto::PortPolicy::strict), proto::UrlError::none);
    const auto match =
        match::lookup(view.value(), {.url = url_.get(), .connection_port = 80, .encrypted = encrypted});
    if (match.decision != match::Decision::block) return "pass";
    return std::string(view.value().list_name(match.list)) + " " + std::to_string(match.rule.value);
  }

  Scratch scratch_;
  std::filesystem::path output_ = scratch_ / "out.snapshot";
  std::ostringstream out_;
  std::ostringstream errors_;
  std::unique_ptr<proto::CanonicalUrl> url_ = std::make_unique<proto::CanonicalUrl>();
};

TEST_F(Compile, ListsInTheirOrderBecomeASnapshot) {
  const std::string first = list("hotline.txt", "# a\na.example\nb.example/p\n");
  const std::string second = list("local.list", "a.example\nc.example\n");
  ASSERT_EQ(run({first, "mine=" + second}), kDone) << errors_.str();
  EXPECT_EQ(verdict("a.example"), "hotline 1");
  EXPECT_EQ(verdict("b.example/p"), "hotline 2");
  EXPECT_EQ(verdict("b.example/p", true), "pass");
  EXPECT_EQ(verdict("c.example"), "mine 4");
  EXPECT_EQ(verdict("d.example"), "pass");
  EXPECT_NE(
      out_.str().find("4 entries, 0 duplicates, " + std::to_string(read_file(output_).size()) + " bytes"),
      std::string::npos)
      << out_.str();
  EXPECT_EQ(errors_.str(), "");
}

TEST_F(Compile, PoliciesAreOptions) {
  const std::string file = list("l.txt", "b.example/p\n");
  ASSERT_EQ(run({file}, {{"subdomains", ""}, {"www-equivalent", ""}, {"on-tls", "block-host"}}), kDone);
  EXPECT_EQ(verdict("a.b.example/p"), "l 1");
  EXPECT_EQ(verdict("www.b.example/p"), "l 1");
  EXPECT_EQ(verdict("b.example", true), "l 1");
  ASSERT_EQ(run({file}), kDone);
  EXPECT_EQ(verdict("a.b.example/p"), "pass");
  EXPECT_EQ(verdict("www.b.example/p"), "pass");
  EXPECT_EQ(verdict("b.example", true), "pass");
}

TEST_F(Compile, ASeedMakesTheSameBytes) {
  const std::string file = list("l.txt", "a.example\nb.example/p\nc.example/q/\n");
  ASSERT_EQ(run({file}, {{"seed", kSeed}, {"generation", "7"}}), kDone);
  const std::string bytes = read_file(output_);
  ASSERT_EQ(run({file}, {{"seed", kSeed}, {"generation", "7"}}), kDone);
  EXPECT_EQ(read_file(output_), bytes);
  ASSERT_EQ(run({file}, {{"seed", kSeed}, {"generation", "8"}}), kDone);
  EXPECT_NE(read_file(output_), bytes);
  ASSERT_EQ(run({file}, {{"generation", "7"}}), kDone);
  const std::string random = read_file(output_);
  ASSERT_EQ(run({file}, {{"generation", "7"}}), kDone);
  EXPECT_NE(read_file(output_), random) << "two random seeds are the same";
}

TEST_F(Compile, RefusedLinesAreNamedAndTheRestIsCompiled) {
  const std::string file =
      list("l.txt", "a.example\nsecretword\nb.example:secretport\nc.example/#secret\nd.example\n");
  ASSERT_EQ(run({file}, {}, true), kDone);
  EXPECT_NE(errors_.str().find("l.txt:2: "), std::string::npos) << errors_.str();
  EXPECT_NE(errors_.str().find("l.txt:3: "), std::string::npos) << errors_.str();
  EXPECT_NE(errors_.str().find("l.txt:4: "), std::string::npos) << errors_.str();
  EXPECT_EQ(errors_.str().find("secret"), std::string::npos) << errors_.str();
  EXPECT_EQ(verdict("d.example"), "l 2");
  const auto summary = nlohmann::json::parse(out_.str());
  EXPECT_EQ(summary["entries"], 2);
  EXPECT_EQ(summary["generation"], 1);
  EXPECT_EQ(summary["lists"][0]["refused"], 3);
  EXPECT_EQ(summary["bytes"], read_file(output_).size());
}

TEST_F(Compile, ReportsOfRefusedLinesAreBounded) {
  std::string text = "a.example\n";
  for (int i = 0; i < 5000; ++i) text += "com\n";
  ASSERT_EQ(run({list("l.txt", text)}), kDone);
  const std::string report = errors_.str();
  EXPECT_LT(std::count(report.begin(), report.end(), '\n'), 30);
  EXPECT_NE(report.find("4980 more lines were refused"), std::string::npos) << report;
}

TEST_F(Compile, DuplicatesAreCounted) {
  ASSERT_EQ(run({list("l.txt", "a.example\nA.example/\nb.example\n")}, {}, true), kDone);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["duplicates"], 1);
  EXPECT_EQ(verdict("a.example"), "l 1");
}

// Larger than a block, cut where it happens to be cut.
TEST_F(Compile, ReadsALongListInBlocks) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "host" + std::to_string(i) + ".example/page\n";
  ASSERT_GT(text.size(), std::size_t{2} << 20);
  ASSERT_EQ(run({list("l.txt", text)}), kDone);
  for (const int i : {0, 1, 36000, 48000, 72000, 99999}) {
    EXPECT_EQ(verdict("host" + std::to_string(i) + ".example/page"), "l " + std::to_string(i + 1));
  }
}

TEST_F(Compile, AFailureLeavesTheOldFile) {
  write_file(output_, "old");
  const std::string good = list("l.txt", "a.example\n");
  struct Case {
    const char* description;
    std::vector<std::string> lists;
    Options options;
    int status;
    const char* says;
  };
  const std::string directory = output_.parent_path().string();
  const std::vector<Case> cases{
      {"no such file", {directory + "/none"}, {}, kFailed, "No such file"},
      {"a directory", {"d=" + directory}, {}, kFailed, "Is a directory"},
      {"an empty list", {good, list("empty", "# nothing\n")}, {}, kFailed, "no usable entry"},
      {"nothing but bad lines", {list("bad", "com\n")}, {}, kFailed, "no usable entry"},
      {"the same name twice", {good, "l=" + good}, {}, kUsage, "two lists have the name l"},
      {"no name", {"=" + good}, {}, kUsage, "NAME=FILE"},
      {"no file", {"name="}, {}, kUsage, "NAME=FILE"},
      {"a name too long", {std::string(64, 'n') + "=" + good}, {}, kUsage, "63"},
      {"a name that cannot be printed", {"a\x1b=" + good}, {}, kUsage, "printable"},
      {"a short seed", {good}, {{"seed", "00ff"}}, kUsage, "32"},
      {"a seed of other digits", {good}, {{"seed", std::string(32, 'g')}}, kUsage, "32"},
      {"a seed with a sign", {good}, {{"seed", "-" + std::string(31, '1')}}, kUsage, "32"},
      {"generation zero", {good}, {{"generation", "0"}}, kUsage, "at least 1"},
      {"no generation", {good}, {{"generation", "x"}}, kUsage, "at least 1"},
      {"on-tls of another kind", {good}, {{"on-tls", "drop"}}, kUsage, "block-host"},
      {"no output", {good}, {{"output", ""}}, kUsage, "-o"},
      {"an output that cannot be written", {good}, {{"output", directory + "/none/x"}}, kFailed, "none/x"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(run(each.lists, each.options), each.status) << each.description;
    EXPECT_NE(errors_.str().find(each.says), std::string::npos) << each.description << ": " << errors_.str();
    EXPECT_EQ(read_file(output_), "old") << each.description;
    EXPECT_EQ(out_.str(), "") << each.description;
  }
  for (const auto& entry : std::filesystem::directory_iterator(output_.parent_path())) {
    EXPECT_NE(entry.path().extension(), ".tmp");
  }
}

}  // namespace
}  // namespace weir::ctl
