#include "control/audit_log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "unit/control/scratch.h"

namespace weir::control {
namespace {

AuditRecord record(std::uint32_t rule) {
  AuditRecord made;
  made.uid = 1000;
  made.method = "rule.add";
  made.list = "local";
  made.rule = rule;
  made.before_generation = 1;
  made.after_generation = 2;
  made.active = true;
  made.outcome = "ok";
  return made;
}

TEST(AuditLog, KeepsRecordsOverRestartsAndCutLines) {
  const test::Scratch scratch;
  {
    auto log = AuditLog::open(scratch / "audit");
    ASSERT_TRUE(log);
    ASSERT_TRUE(log.value()->append(record(1)));
  }
  // A crash in the middle of a line.
  test::write_file(scratch / "audit", test::read_file(scratch / "audit") + "{\"time\":\"20");
  auto log = AuditLog::open(scratch / "audit");
  ASSERT_TRUE(log);
  ASSERT_TRUE(log.value()->append(record(2)));
  const auto read = log.value()->read(0, 10);
  ASSERT_TRUE(read);
  const auto& records = read.value()["records"];
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["rule"], 1);
  EXPECT_EQ(records[1]["rule"], 2);
  EXPECT_EQ(records[1]["uid"], 1000);
  EXPECT_EQ(records[1]["after"], 2);
  EXPECT_EQ(log.value()->read(0, 1).value()["records"][0]["rule"], 2);
  EXPECT_TRUE(
      log.value()->read(records[1]["unix_seconds"].get<std::int64_t>() + 10, 10).value()["records"].empty());
  struct stat status {};
  ASSERT_EQ(::stat((scratch / "audit").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(AuditLog, AFloodOfRefusedCallsIsCountedNotWritten) {
  const test::Scratch scratch;
  auto log = AuditLog::open(scratch / "audit");
  ASSERT_TRUE(log);
  for (int i = 0; i < 100000; ++i) log.value()->append_refused(record(3));
  // Some for each second that this took, far fewer than there were.
  const auto records = log.value()->read(0, 1000).value()["records"];
  EXPECT_GE(records.size(), 10U);
  EXPECT_LT(records.size(), 1000U);
}

}  // namespace
}  // namespace weir::control
