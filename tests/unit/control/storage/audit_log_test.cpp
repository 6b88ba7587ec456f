#include "control/storage/audit_log.h"

#include <array>
#include <csignal>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/storage/digest.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

storage::AuditRecord record(std::uint32_t rule) {
  storage::AuditRecord made;
  made.uid = 1000;
  made.method = "rule.add";
  made.list = "local";
  made.rule = rule;
  made.before_generation = rule;
  made.after_generation = rule + 1;
  made.active = true;
  made.outcome = "ok";
  return made;
}

storage::ChainReport verified(const storage::AuditLog& log) {
  const auto report = log.verify();
  EXPECT_TRUE(report.ok());
  if (report && report.value().broken) {
    ADD_FAILURE() << report.value().broken->file << ":" << report.value().broken->line << ": "
                  << report.value().broken->reason;
  }
  return report ? report.value() : storage::ChainReport{};
}

TEST(AuditLog, KeepsRecordsOverRestarts) {
  const test::Scratch scratch;
  for (std::uint32_t rule = 1; rule <= 3; ++rule) {
    auto log = storage::AuditLog::open(scratch / "audit.jsonl");
    ASSERT_TRUE(log);
    EXPECT_EQ(log.value()->last_generation().value_or(0), rule == 1 ? 0 : rule);
    ASSERT_TRUE(log.value()->append(record(rule)));
    EXPECT_EQ(verified(*log.value()).last.sequence, rule);
  }
  auto log = storage::AuditLog::open(scratch / "audit.jsonl");
  ASSERT_TRUE(log);
  const auto records = log.value()->read(0, 10).value()["records"];
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1]["rule"], 2);
  EXPECT_EQ(records[1]["uid"], 1000);
  EXPECT_EQ(records[1]["after"], 3);
  EXPECT_EQ(log.value()->read(0, 1).value()["records"][0]["rule"], 3);
  EXPECT_TRUE(
      log.value()->read(records[2]["unix_seconds"].get<std::int64_t>() + 10, 10).value()["records"].empty());
  struct stat status {};
  ASSERT_EQ(::stat((scratch / "audit.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

// Whatever a crash left of the last line: what was acknowledged stays, the rest is taken off, with a record
// of it.
TEST(AuditLog, HealsALastLineCutAnywhere) {
  std::string whole;
  std::size_t acknowledged = 0;
  {
    const test::Scratch scratch;
    auto log = storage::AuditLog::open(scratch / "audit.jsonl");
    ASSERT_TRUE(log.value()->append(record(1)));
    acknowledged = test::read_file(scratch / "audit.jsonl").size();
    ASSERT_TRUE(log.value()->append(record(2)));
    whole = test::read_file(scratch / "audit.jsonl");
  }
  for (std::size_t cut = acknowledged + 1; cut < whole.size(); cut += cut < acknowledged + 90 ? 13 : 41) {
    const test::Scratch scratch;
    test::write_file(scratch / "audit.jsonl", whole.substr(0, cut));
    auto log = storage::AuditLog::open(scratch / "audit.jsonl");
    ASSERT_TRUE(log) << cut;
    ASSERT_TRUE(log.value()->append(record(3)));
    EXPECT_EQ(verified(*log.value()).records, 3U) << cut;
    const auto records = log.value()->read(0, 10).value()["records"];
    ASSERT_EQ(records.size(), 3U) << cut;
    EXPECT_EQ(records[0]["rule"], 1);
    EXPECT_EQ(records[1]["method"], "audit.heal");
    EXPECT_EQ(records[1]["torn_bytes"], cut - acknowledged);
    EXPECT_EQ(records[1]["torn_sha256"], storage::sha256_hex(whole.substr(acknowledged, cut - acknowledged)));
    EXPECT_EQ(records[2]["rule"], 3);
  }
}

struct Tampering {
  const char* description;
  std::function<void(std::vector<std::string>&)> change;  // lines 1 to 6
  std::size_t line;                                       // where the chain must break; 0: it must not
};

TEST(AuditLog, NamesTheLineWhereTheChainBreaks) {
  const std::vector<Tampering> cases{
      {"untouched", [](auto&) {}, 0},
      {"a changed field", [](auto& lines) { lines[2].replace(lines[2].find("1000"), 4, "1001"); }, 4},
      {"the last line changed, which only a noted digest shows",
       [](auto& lines) { lines[5].replace(lines[5].find("1000"), 4, "1001"); }, 0},
      {"a line taken out", [](auto& lines) { lines.erase(lines.begin() + 2); }, 3},
      {"the first line taken out of six: as if it had been rotated out",
       [](auto& lines) { lines.erase(lines.begin()); }, 0},
      {"a line twice", [](auto& lines) { lines.insert(lines.begin() + 2, lines[2]); }, 4},
      {"two lines exchanged", [](auto& lines) { std::swap(lines[2], lines[3]); }, 3},
      {"a line put in", [](auto& lines) { lines.insert(lines.begin() + 3, R"({"method":"x"})"); }, 4},
      {"an empty line", [](auto& lines) { lines.insert(lines.begin() + 3, ""); }, 4},
      {"a line that is no JSON", [](auto& lines) { lines[3].pop_back(); }, 4},
      {"a first line that follows nothing",
       [](auto& lines) { lines[0].replace(lines[0].find("\"prev\":\"0"), 9, "\"prev\":\"1"); }, 1},
      {"bytes that are no text", [](auto& lines) { lines[4] = std::string("\0\xff\0", 3); }, 5},
      {"an endless line", [](auto& lines) { lines[4] = std::string(200000, 'x'); }, 5},
      {"number zero", [](auto& lines) { lines[1].replace(7, 1, "0"); }, 2},
      {"a number beyond 64 bits", [](auto& lines) { lines[1].replace(7, 1, "99999999999999999999"); }, 2},
  };
  for (const Tampering& each : cases) {
    const test::Scratch scratch;
    auto log = storage::AuditLog::open(scratch / "audit.jsonl");
    for (std::uint32_t i = 1; i <= 6; ++i) ASSERT_TRUE(log.value()->append(record(i)));
    std::string text = test::read_file(scratch / "audit.jsonl");
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    each.change(lines);
    text.clear();
    for (const std::string& line : lines) text += line + "\n";
    test::write_file(scratch / "audit.jsonl", text);
    const auto report = storage::verify_chain(scratch / "audit.jsonl");
    ASSERT_TRUE(report.ok()) << each.description;
    EXPECT_EQ(report.value().broken ? report.value().broken->line : 0, each.line) << each.description;
    EXPECT_EQ(storage::chain_report_json(report.value())["whole"], each.line == 0) << each.description;
    // Damage is kept, not hidden, by a daemon that goes on.
    auto again = storage::AuditLog::open(scratch / "audit.jsonl");
    ASSERT_TRUE(again) << each.description;
    ASSERT_TRUE(again.value()->append(record(7)));
    const auto after = storage::verify_chain(scratch / "audit.jsonl");
    ASSERT_TRUE(after.ok());
    EXPECT_EQ(after.value().broken ? after.value().broken->line : 0, each.line) << each.description;
  }
}

TEST(AuditLog, TheChainGoesOnOverRotatedFilesAndOldOnesLeave) {
  const test::Scratch scratch;
  const storage::AuditLimits limits{.file_bytes = 1000, .files = 4};
  std::size_t reopened = 0;
  auto log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
  for (std::uint32_t i = 1; i <= 60; ++i) {
    ASSERT_TRUE(log.value()->append(record(i)));
    if (i % 7 == 0) {
      log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
      ++reopened;
    }
    const auto report = verified(*log.value());
    EXPECT_EQ(report.last.sequence, i);
    EXPECT_LE(report.files, limits.files);
  }
  EXPECT_EQ(reopened, 8U);
  const auto files = storage::audit_files(scratch / "audit.jsonl");
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(verified(*log.value()).first_sequence, files[0].first_sequence);
  for (const auto& file : files) EXPECT_LE(std::filesystem::file_size(file.path), limits.file_bytes);
  const auto records = log.value()->read(0, 8).value()["records"];
  ASSERT_EQ(records.size(), 8U);  // more than one file holds
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(records[i]["rule"], 53 + i);
  // A file in the middle that is gone breaks the chain at the next one.
  std::filesystem::remove(files[1].path);
  const auto report = storage::verify_chain(scratch / "audit.jsonl");
  ASSERT_TRUE(report.value().broken.has_value());
  EXPECT_EQ(report.value().broken->file, files[2].path.filename());
  EXPECT_EQ(report.value().broken->line, 1U);
}

TEST(AuditLog, ARotationDoesNotHideADamagedFirstLine) {
  const test::Scratch scratch;
  const auto file = scratch / "audit.jsonl";
  {
    auto log = storage::AuditLog::open(file);
    for (std::uint32_t i = 1; i <= 3; ++i) ASSERT_TRUE(log.value()->append(record(i)));
  }
  std::string text = test::read_file(file);
  text[0] = '?';
  test::write_file(file, text);
  auto log = storage::AuditLog::open(file, {.file_bytes = text.size(), .files = 4});
  ASSERT_TRUE(log.value()->append(record(4)));
  const auto report = log.value()->verify();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().files, 1U) << "it ends at the damage";
  ASSERT_TRUE(report.value().broken.has_value());
  EXPECT_EQ(report.value().broken->line, 1U);
  EXPECT_EQ(log.value()->read(0, 10).value()["records"].size(), 3U) << "the whole ones";
}

TEST(AuditLog, GoesOnAfterAKillWithinARotation) {
  const test::Scratch scratch;
  const storage::AuditLimits limits{.file_bytes = 1000, .files = 4};
  {
    auto log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
    for (std::uint32_t i = 1; i <= 2; ++i) ASSERT_TRUE(log.value()->append(record(i)));
  }
  // Renamed, and the new file not made yet; then made, and nothing in it yet.
  std::filesystem::rename(scratch / "audit.jsonl", storage::rotated_name(scratch / "audit.jsonl", 1));
  for (std::uint32_t i = 3; i <= 4; ++i) {
    auto log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
    ASSERT_TRUE(log);
    log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
    ASSERT_TRUE(log.value()->append(record(i)));
    EXPECT_EQ(verified(*log.value()).records, i);
  }
}

// What was acknowledged is there after a kill -9, and the chain holds.
TEST(AuditLog, LosesNothingAcknowledgedToAKill) {
  const test::Scratch scratch;
  const storage::AuditLimits limits{.file_bytes = 3000, .files = 100};
  std::uint32_t acknowledged = 0;
  for (int round = 0; round < 12; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
      for (std::uint32_t rule = acknowledged + 1; log && log.value()->append(record(rule)); ++rule) {
        if (::write(pipe[1], &rule, sizeof(rule)) != sizeof(rule)) break;
      }
      ::_exit(1);
    }
    ::close(pipe[1]);
    std::uint32_t rule = 0;
    for (int i = 0; i < 3 + round; ++i) {
      if (::read(pipe[0], &rule, sizeof(rule)) == sizeof(rule)) acknowledged = rule;
    }
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &rule, sizeof(rule)) == sizeof(rule)) acknowledged = rule;
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    auto log = storage::AuditLog::open(scratch / "audit.jsonl", limits);
    ASSERT_TRUE(log);
    verified(*log.value());
    const auto records = log.value()->read(0, 1000).value()["records"];
    std::uint32_t seen = 0;
    for (const auto& each : records) {
      if (each["method"] != "rule.add") continue;
      EXPECT_EQ(each["rule"], seen + 1);
      seen = each["rule"];
    }
    EXPECT_GE(seen, acknowledged);
    acknowledged = seen;
  }
  EXPECT_GT(acknowledged, 30U);
}

TEST(AuditLog, AFullDiskIsAnErrorAndLeavesNoHalfLine) {
  const test::Scratch scratch;
  auto log = storage::AuditLog::open(scratch / "audit.jsonl");
  ASSERT_TRUE(log.value()->append(record(1)));
  const auto size = std::filesystem::file_size(scratch / "audit.jsonl");
  // The kernel takes the first 40 bytes of the next line alone.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = size + 40, .rlim_max = before.rlim_max};
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = log.value()->append(record(2));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "io");
  EXPECT_EQ(std::filesystem::file_size(scratch / "audit.jsonl"), size);
  ASSERT_TRUE(log.value()->append(record(3)));
  EXPECT_EQ(verified(*log.value()).records, 2U);
}

TEST(AuditLog, AFloodOfRefusedCallsIsCountedNotWritten) {
  const test::Scratch scratch;
  auto log = storage::AuditLog::open(scratch / "audit.jsonl");
  ASSERT_TRUE(log);
  for (int i = 0; i < 100000; ++i) log.value()->append_refused(record(3));
  // Some for each second that this took, far fewer than there were.
  const auto records = log.value()->read(0, 1000).value()["records"];
  EXPECT_GE(records.size(), 10U);
  EXPECT_LT(records.size(), 1000U);
  ASSERT_TRUE(log.value()->append(record(4)));
  std::uint64_t left_out = 0;
  const auto after = log.value()->read(0, 1000).value()["records"];
  for (const auto& each : after) left_out += each.value("refused_left_out", std::uint64_t{0});
  EXPECT_EQ(left_out + after.size(), 100001U);
  verified(*log.value());
}

}  // namespace
}  // namespace weir::control
