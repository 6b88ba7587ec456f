#include "dataplane/base/result.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

Error sample_error() { return {.code = "bad_line", .message = "list.txt:7: expected a host"}; }

TEST(Result, HoldsAValue) {
  Result<int> result(7);
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.value(), 7);
  result.value() = 8;
  EXPECT_EQ(std::as_const(result).value(), 8);
}

TEST(Result, HoldsAnError) {
  const Result<int> result(sample_error());
  EXPECT_FALSE(result.ok());
  EXPECT_FALSE(static_cast<bool>(result));
  EXPECT_EQ(result.error().code, "bad_line");
  EXPECT_EQ(result.error().message, "list.txt:7: expected a host");
}

TEST(Result, AccessToTheOtherOneThrows) {
  const Result<int> bad(sample_error());
  EXPECT_THROW(static_cast<void>(bad.value()), std::bad_variant_access);
  const Result<int> good(1);
  EXPECT_THROW(static_cast<void>(good.error()), std::bad_variant_access);
}

TEST(Result, MovesOutValuesThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
}

TEST(Result, AnErrorIsNotAValueOfItsMembersType) {
  const Result<std::string> text(std::string("bad_line"));
  EXPECT_TRUE(text.ok());
  const Result<std::string> error(sample_error());
  EXPECT_FALSE(error.ok());
}

TEST(Status, IsOkOrAnError) {
  EXPECT_TRUE(ok_status().ok());
  EXPECT_FALSE(Status(sample_error()).ok());
}

}  // namespace
}  // namespace weir::base
