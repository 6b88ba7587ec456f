#include "dataplane/proto/url/authority_readings.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/proto/url/url.h"

namespace weir::proto {
namespace {

// The hosts of all readings, the first one as servers read most authorities.
std::vector<std::string> hosts_of(std::string_view authority) {
  CanonicalUrl url;
  std::vector<std::string> hosts;
  if (url.assign_request(authority, "/") == UrlError::none) hosts.emplace_back(url.host());
  const AuthorityReadings readings(authority);
  for (const AuthorityReading& reading : readings.all()) {
    const UrlError error =
        reading.is_name ? url.assign_name(reading.text, "/") : url.assign_request(reading.text, "/");
    if (error == UrlError::none) hosts.emplace_back(url.host());
  }
  return hosts;
}

TEST(AuthorityReadings, OrdinaryAuthoritiesHaveNone) {
  for (const std::string_view authority :
       {"", "www.example.com", "WWW.Example.COM.", "www.example.com:8080", "www.example.com:", "a_b-c~d%41",
        "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:443"}) {
    EXPECT_TRUE(AuthorityReadings(authority).all().empty()) << authority;
  }
}

TEST(AuthorityReadings, EveryReadingOfOddAuthorities) {
  struct Case {
    std::string authority;
    std::string host;  // is among the readings
  };
  const std::vector<Case> rows{
      {"bad.example:@x", "bad.example"},
      {"bad.example:@x", "x"},
      {"bad.example:80@ok.example", "bad.example"},
      {"bad.example:80@ok.example", "ok.example"},
      {"bad.example:80:@ok.example", "bad.example"},
      {"[bad.example]", "bad.example"},
      {"[bad.example]:80", "bad.example"},
      {"[bad.example:80]", "bad.example"},
      {"[bad.example", "bad.example"},
      {"bad.example]", "bad.example"},
      {"user@[bad.example]", "bad.example"},
      {"x?.bad.example", "x"},
      {"x?.bad.example", "x%3F.bad.example"},
      {"x#.bad.example", "x%23.bad.example"},
      {"x\\.bad.example", "x%5C.bad.example"},
      {"x/.bad.example", "x%2F.bad.example"},
      {"a:b:c.bad.example", "a%3Ab%3Ac.bad.example"},
      {"\x01\x7f"
       "bad.example\x85\xa0",
       "bad.example"},
      {" bad.example\x0b", "bad.example"},
      {std::string("bad.example\0ok.example", 22), "bad.example"},
      {"bad.example\rok.example", "bad.example"},
      {"bad.example\r\n ok.example", "bad.example"},
      {"bad.example:80\r\n @ok.example", "bad.example"},
      {std::string("[bad.example]\0x", 15), "bad.example"},
  };
  for (const Case& row : rows)
    EXPECT_THAT(hosts_of(row.authority), ::testing::Contains(row.host)) << row.authority;
}

TEST(AuthorityReadings, ThePortIsRead) {
  CanonicalUrl url;
  bool seen = false;
  const AuthorityReadings readings("bad.example:8080@ok.example");
  for (const AuthorityReading& reading : readings.all()) {
    if (reading.is_name || url.assign_request(reading.text, "/") != UrlError::none) continue;
    seen = seen || (url.host() == "bad.example" && url.written_port() == 8080);
  }
  EXPECT_TRUE(seen);
}

// Whatever the bytes are, the readings lie in the authority.
TEST(AuthorityReadings, AnyBytes) {
  const std::string bytes = std::string("\0\r\n :@[]/?#\\a.\x7f\xff", 16);
  for (std::size_t i = 0; i < bytes.size() * bytes.size() * bytes.size(); ++i) {
    const std::string authority{bytes[i % 16], bytes[i / 16 % 16], bytes[i / 256]};
    const AuthorityReadings readings(authority);
    for (const AuthorityReading& reading : readings.all()) {
      ASSERT_FALSE(reading.text.empty());
      ASSERT_GE(reading.text.data(), authority.data());
      ASSERT_LE(reading.text.data() + reading.text.size(), authority.data() + authority.size());
    }
  }
}

}  // namespace
}  // namespace weir::proto
