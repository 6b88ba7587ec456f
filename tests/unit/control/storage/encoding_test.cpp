#include <array>
#include <string>

#include <gtest/gtest.h>

#include "control/storage/base64.h"
#include "control/storage/digest.h"

namespace weir::storage {
namespace {

// RFC 4648, section 10.
TEST(Base64, TestVectors) {
  struct Case {
    const char* bytes;
    const char* text;
  };
  for (const Case& each : {Case{"", ""}, Case{"f", "Zg=="}, Case{"fo", "Zm8="}, Case{"foo", "Zm9v"},
                           Case{"foob", "Zm9vYg=="}, Case{"fooba", "Zm9vYmE="}, Case{"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(encode_base64(each.bytes), each.text);
    EXPECT_EQ(decode_base64(each.text), each.bytes);
  }
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(decode_base64(encode_base64(all)), all);
}

TEST(Base64, RefusesOtherSpellings) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm8=\n", "Zm 8", "Zm-_", "=Zm8"})
    EXPECT_FALSE(decode_base64(text)) << text;
}

// FIPS 180-4.
TEST(Digest, Sha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, Hex) {
  const std::array<unsigned char, 3> bytes{0x00, 0x9f, 0xff};
  EXPECT_EQ(to_hex(bytes), "009fff");
  std::array<unsigned char, 3> read{};
  EXPECT_TRUE(from_hex("009fFF", read));
  EXPECT_EQ(read, bytes);
  for (const char* text : {"", "009ff", "009fff0", "009fg0", "0x9fff", "-09fff"})
    EXPECT_FALSE(from_hex(text, read)) << text;
}

}  // namespace
}  // namespace weir::storage
