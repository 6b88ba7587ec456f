#include "dataplane/base/percent_encoding.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "dataplane/base/ascii.h"

namespace weir::base {
namespace {

struct DecodeCase {
  std::string_view text;
  std::string_view once;
  std::string_view fully;
};

TEST(PercentEncoding, DecodesOnceOrUntilNothingIsLeft) {
  for (const DecodeCase& each : {
           DecodeCase{"", "", ""},
           DecodeCase{"a%20b", "a b", "a b"},
           DecodeCase{"%41%7a", "Az", "Az"},
           DecodeCase{"%2541", "%41", "A"},
           DecodeCase{"%252541", "%2541", "A"},
           DecodeCase{"%2%35%34%31", "%2541", "A"},
           DecodeCase{"%", "%", "%"},
           DecodeCase{"%4", "%4", "%4"},
           DecodeCase{"%4g", "%4g", "%4g"},
           DecodeCase{"%%41", "%A", "%A"},
       }) {
    SCOPED_TRACE(each.text);
    EXPECT_EQ(percent_decode_once(each.text), each.once);
    std::string in_place(each.text);
    in_place.resize(percent_decode_fully(in_place, in_place.data()));
    EXPECT_EQ(in_place, each.fully);
  }
}

TEST(PercentEncoding, EncodesControlsDelimitersAndNonAscii) {
  const std::string_view text = "a b/?#%\x7f\xc3\xbc";
  std::string out(3 * text.size(), '\0');
  char* const end = append_percent_encoded(text, encoded_bytes("?"), out.data());
  out.resize(static_cast<std::size_t>(end - out.data()));
  EXPECT_EQ(out, "a%20b/%3F%23%25%7F%C3%BC");
}

TEST(Ascii, KnowsOnlyItsOwnLetters) {
  EXPECT_TRUE(ascii_iequals("Content-LENGTH", "content-length"));
  EXPECT_FALSE(ascii_iequals("content", "contents"));
  EXPECT_FALSE(ascii_iequals("[", "{")) << "as far apart as A and a";
  EXPECT_FALSE(ascii_iequals("\xc4", "\xe4"));
  EXPECT_TRUE(ascii_istarts_with("HTTPS://", "https"));
  EXPECT_FALSE(ascii_istarts_with("http", "https"));
}

TEST(ByteSet, TrimsAndCuts) {
  constexpr ByteSet kBlanks = bytes_of(" \t");
  EXPECT_EQ(trim(" \ta b\t", kBlanks), "a b");
  EXPECT_EQ(trim(" \t ", kBlanks), "");
  EXPECT_EQ(span_of("  a ", kBlanks), 2U);
  EXPECT_EQ(cut_at("a b", kBlanks), "a");
  EXPECT_EQ(cut_at("ab", kBlanks), "ab");
  EXPECT_EQ(cut_at("a?b?c", '?'), "a");
}

}  // namespace
}  // namespace weir::base
