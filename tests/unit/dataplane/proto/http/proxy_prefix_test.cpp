#include "dataplane/proto/http/proxy_prefix.h"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"

namespace weir::proto {
namespace {

using base::ParseStatus;

std::string bytes_of(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kSocks5Name = bytes_of({5, 1, 0, 3, 9}) + "a.example" + bytes_of({1, 187});
const std::string kSocks4Name =
    bytes_of({4, 1, 1, 187, 0, 0, 0, 1}) + "user" + bytes_of({0}) + "a.example" + bytes_of({0});

struct Case {
  const char* description;
  std::string text;  // the whole prefix
  std::string_view name{};
};

void expect_found_at_its_end(const std::vector<Case>& rows,
                             ProxyPrefix (*parse)(std::span<const std::byte>)) {
  for (const Case& row : rows) {
    SCOPED_TRACE(row.description);
    const test::Bytes bytes = test::to_bytes(row.text + "GET");
    const ProxyPrefix prefix = parse(bytes);
    EXPECT_EQ(to_string(prefix.status), "found");
    EXPECT_EQ(prefix.bytes, row.text.size());
    EXPECT_EQ(prefix.name, row.name);
  }
}

TEST(ProxyPrefix, HeadersOfTheProxyProtocol) {
  expect_found_at_its_end(
      {{"version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n"},
       {"version 1, unknown", "PROXY UNKNOWN\r\n"},
       {"version 2, local", kSignature + bytes_of({0x20, 0, 0, 0})},
       {"version 2, TCP over IPv4", kSignature + bytes_of({0x21, 0x11, 0, 12}) + std::string(12, '\x01')}},
      &parse_proxy_header);
}

TEST(ProxyPrefix, RequestsOfSocks) {
  const std::string greeting = bytes_of({5, 1, 0});
  expect_found_at_its_end(
      {{"5, a name", kSocks5Name, "a.example"},
       {"5, after a greeting", greeting + kSocks5Name, "a.example"},
       {"5, after a greeting of three methods", bytes_of({5, 3, 0, 1, 2}) + kSocks5Name, "a.example"},
       {"5, after a password", bytes_of({5, 1, 2, 1, 1, 'u', 2, 'p', 'w'}) + kSocks5Name, "a.example"},
       {"5, an IPv4 address", bytes_of({5, 1, 0, 1, 192, 0, 2, 1, 0, 80})},
       {"4a", kSocks4Name, "a.example"},
       {"4, an address", bytes_of({4, 1, 0, 80, 192, 0, 2, 1, 'u', 0})}},
      &parse_socks);
}

TEST(ProxyPrefix, EveryBeginNeedsMore) {
  for (const std::string& text : {kSocks5Name, bytes_of({5, 1, 0}) + kSocks5Name,
                                  bytes_of({5, 1, 2, 1, 1, 'u', 2, 'p', 'w'}) + kSocks5Name, kSocks4Name}) {
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      const test::Bytes bytes = test::to_bytes(text.substr(0, cut));
      const ProxyPrefix prefix = parse_socks(bytes);
      EXPECT_EQ(to_string(prefix.status), "need_more") << cut;
      EXPECT_GT(prefix.needed_bytes, cut);
      EXPECT_LE(prefix.needed_bytes, text.size());
    }
  }
}

TEST(ProxyPrefix, WhatIsNone) {
  for (const std::string& text :
       {std::string("PROXY / HTTP/1.1\r\n\r\n"), std::string("POST / HTTP/1.1\r\n"),
        std::string("\r\n\r\nGET"), std::string("PROXY ") + std::string(107, 'x'), bytes_of({5, 0, 11, 3}),
        bytes_of({4, 9, 0}), bytes_of({5, 1, 0, 3, 1}).substr(0, 2) + bytes_of({7, 7, 7}),
        bytes_of({4, 1, 0, 80, 0, 0, 0, 1}) + std::string(300, 'u')}) {
    const test::Bytes bytes = test::to_bytes(text);
    EXPECT_EQ(to_string(parse_proxy_header(bytes).status), "absent") << text;
    EXPECT_EQ(to_string(parse_socks(bytes).status), "absent") << text;
  }
}

}  // namespace
}  // namespace weir::proto
