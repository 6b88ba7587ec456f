#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "control/intake/digest_file.h"
#include "control/intake/minisign.h"
#include "control/storage/base64.h"

namespace weir::control {
namespace {

TEST(DecodeBase64, TakesWhatIsWrittenExactly) {
  using Bytes = std::optional<std::string>;
  EXPECT_EQ(storage::decode_base64(""), Bytes(""));
  EXPECT_EQ(storage::decode_base64("Zg=="), Bytes("f"));
  EXPECT_EQ(storage::decode_base64("Zm8="), Bytes("fo"));
  EXPECT_EQ(storage::decode_base64("Zm9v"), Bytes("foo"));
  EXPECT_EQ(storage::decode_base64("+/+/"), Bytes("\xfb\xff\xbf"));
  for (const char* text : {"Zg", "Zg=", "Zm8", "Zm9v=", "Zm9v====", "=", "====", "Zg==Zg==", "Z===", "Zh==",
                           "Zm9=", " Zg==", "Zg==\n", "Z g=", "Zm9-", "Zm9_"}) {
    EXPECT_EQ(storage::decode_base64(text), std::nullopt) << text;
  }
}

// Made with minisign 0.11: minisign -S -t COMMENT, the second one with -l, the third one by another key.
constexpr std::string_view kSignedList = "example.com\nexample.com/a\n";
constexpr std::string_view kKey = "RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy";
constexpr std::string_view kPrehashed =
    "untrusted comment: signature from minisign secret key\n"
    "RUQgHevBm548yNLiOj28+p/bwBm1HFa76uPcGjbi/G4nM1GV7J4wO4iYECioizY8dRFEypBBo6cUjC7A0luS0UAIBniPqUEZbwY=\n"
    "trusted comment: timestamp:1700000000\tfile:list.txt\thashed serial:42\n"
    "ko6dij6+/dUbTKTxjUAJjLzTyXpE6svrC5gOU4YUuI9f4KiysJ0vgXHjUXnbgZx33XaTxtkbOhDpbKiX6zMdDg==\n";
constexpr std::string_view kLegacy =
    "untrusted comment: signature from minisign secret key\n"
    "RWQgHevBm548yMRohM4RFwRs37I01VpdSflh8WQT0z9Ip0YSnEYoyYuxx55r+XQuu8JsrYa1S+k7BZKzrfKOXxG8kPmWhltcsAg=\n"
    "trusted comment: timestamp:1700000001\n"
    "X/3H2SPPCxz0LGs8lvkB9gpZyr06yFTjEpK4TcuXH7BR+/UUcYiDKDcXBNRhmiaZOkkMZ9g7xcgbAJpLCGvIBw==\n";
constexpr std::string_view kOfAnotherKey =
    "untrusted comment: signature from minisign secret key\n"
    "RUSTjC1bocUXziCGRvdsduEGu34i9sWuSB8j3ku9p9xAdjKhWw50T4+LsN70ZkrJDaOKM5ww7jRzhny7Y3kjOPvGI8L+bM1/iws=\n"
    "trusted comment: timestamp:1795869458\tfile:list.txt\thashed\n"
    "hHaNGhKEww2MjFT11G1CdXJQvZhJAyTmi8gI0IPMo8Z/kp0Rq7sHiDe/gD13mqcXnfOVukJr9jJTq2e64C06DQ==\n";

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string changed(text);
  return changed.replace(changed.find(what), what.size(), with);
}

TEST(Minisign, TakesBothKindsOfSignature) {
  const auto prehashed = verify_minisign(kSignedList, kPrehashed, kKey);
  ASSERT_TRUE(prehashed) << prehashed.error().message;
  EXPECT_EQ(prehashed.value().timestamp, 1700000000U);
  EXPECT_EQ(prehashed.value().serial, 42U);
  const auto legacy = verify_minisign(kSignedList, kLegacy, kKey);
  ASSERT_TRUE(legacy) << legacy.error().message;
  EXPECT_EQ(legacy.value().timestamp, 1700000001U);
  EXPECT_EQ(legacy.value().serial, std::nullopt);
  EXPECT_TRUE(verify_minisign(kSignedList, replaced(kLegacy, "secret key\n", "secret key\r\n"), kKey));
}

TEST(Minisign, RefusesEverythingElse) {
  struct Case {
    const char* description;
    std::string list;
    std::string file;
    std::string code;
  };
  const std::string list(kSignedList);
  const Case cases[] = {
      {"another list", "example.com\n", std::string(kPrehashed), "verify_signature"},
      {"another list, legacy", list + "#", std::string(kLegacy), "verify_signature"},
      {"another key", list, std::string(kOfAnotherKey), "verify_signature"},
      {"another key under our id", list, replaced(kOfAnotherKey, "RUSTjC1bocUXzi", "RUQgHevBm548yC"),
       "verify_signature"},
      {"a changed comment", list, replaced(kPrehashed, "serial:42", "serial:43"), "verify_signature"},
      {"the comment of another signature", list,
       replaced(kPrehashed, kPrehashed.substr(kPrehashed.find("trusted comment: timestamp")),
                kLegacy.substr(kLegacy.find("trusted comment: timestamp"))),
       "verify_signature"},
      {"prehashed as legacy", list, replaced(kPrehashed, "RUQg", "RWQg"), "verify_signature"},
      {"an unknown kind", list, replaced(kPrehashed, "RUQg", "AAQg"), "verify_signature_file"},
      {"nothing", list, "", "verify_signature_file"},
      {"a page", list, "<html>404</html>\n", "verify_signature_file"},
      {"no padding", list, replaced(kPrehashed, "bwY=", "bwY"), "verify_signature_file"},
      {"no trusted comment", list,
       std::string(kPrehashed.substr(0, kPrehashed.find("trusted comment: timestamp"))),
       "verify_signature_file"},
      {"something after it", list, std::string(kPrehashed) + "x", "verify_signature_file"},
  };
  for (const Case& each : cases) {
    const auto result = verify_minisign(each.list, each.file, kKey);
    ASSERT_FALSE(result) << each.description;
    EXPECT_EQ(result.error().code, each.code) << each.description << ": " << result.error().message;
  }
  EXPECT_EQ(verify_minisign(list, kPrehashed, "RW").error().code, "verify_key");
  EXPECT_TRUE(is_minisign_key(kKey));
  EXPECT_FALSE(is_minisign_key(kKey.substr(0, 52)));
}

constexpr std::string_view kDigest = "8f8ac3f48ee4aae8e4f0ddb1f25ad1fbd3a0cba0a6e7c8e5a4bbe7de93d8c6b8";

TEST(DigestFile, Table) {
  const std::string good = "3c60b7ccd37d2441ff95483c454831e2757bcbc3e88a0eb4fcd7ccca8ec4fc73";
  const std::string bad(kDigest);
  struct Case {
    const char* description;
    std::string file;
    const char* code;  // empty: verified
  };
  for (const Case& each : {
           Case{"alone", good, ""},
           Case{"sha256sum", good + "  list.txt\n", ""},
           Case{"binary, with a directory", good + " *out/list.txt\r\n", ""},
           Case{"one line of another name", good + "  built.txt\n", ""},
           Case{"--tag", "SHA256 (list.txt) = " + good + "\n", ""},
           Case{"among others", bad + "  other.txt\n# a comment\n\n" + good + "  list.txt\n", ""},
           Case{"ours is the wrong one", bad + "  list.txt\n" + good + "  other.txt\n", "verify_digest"},
           Case{"another digest", bad, "verify_digest"},
           Case{"others alone", bad + "  a.txt\n" + good + "  b.txt\n", "verify_digest_file"},
           Case{"nothing", "", "verify_digest_file"},
           Case{"a page", "<html>\n", "verify_digest_file"},
           Case{"cut", good.substr(0, 3), "verify_digest_file"},
           Case{"too long", good + "00", "verify_digest_file"},
           Case{"no digest in a tag", "SHA256 (list.txt) = \n", "verify_digest_file"},
       }) {
    const auto status = verify_sha256(kSignedList, each.file, "list.txt");
    EXPECT_EQ(status ? "" : status.error().code, each.code) << each.description;
  }
  std::string upper = good;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_TRUE(verify_sha256(kSignedList, upper, "list.txt"));
}

}  // namespace
}  // namespace weir::control
