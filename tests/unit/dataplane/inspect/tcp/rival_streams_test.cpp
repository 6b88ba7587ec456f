// A connection's sequence numbers begin at the SYN that the server accepted, which cannot be seen on the way.
// However many SYNs a client sends, the stream that the server reassembles is read.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/unit/dataplane/inspect/tcp/stream_steps.h"

namespace weir::test {
namespace {

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(std::vector<ListText>{{"hotline", {"listed.example.com"}}});
  return snapshot;
}

const std::string kListed = http_get("listed.example.com");
const std::string kHalf = kListed.substr(0, 30);
const std::string kRest = kListed.substr(30);
const std::string kOther = http_get("ok.abcd.example.com");
const std::uint32_t kOtherBytes = static_cast<std::uint32_t>(kOther.size());
const std::string kPassed = "forward_passed";
const std::string kIncomplete = "forward_incomplete";
const std::string kNone = "forward_no_request";
const std::string kNoPayload = "forward_not_candidate";
const std::string kConflict = "drop_conflict";
const std::string kPage = "drop_blocked http_page";
constexpr std::uint32_t kFar = 0x10000000;

StreamStep syn(std::uint32_t start, const std::string& outcome = kNoPayload) {
  return {"SYN", start - 1, "", outcome, "S"};
}

TEST(RivalStreams, NoSynEvictsAStreamThatWaits) {
  run_streams(rules().view(), {
                                  {"SYNs close by",
                                   {syn(0),
                                    {"first half", 0, kHalf, kIncomplete},
                                    syn(81),
                                    syn(20000),
                                    syn(1, kConflict),
                                    syn(40000, kConflict),
                                    {"second half", 30, kRest, kPage}}},
                                  {"SYNs far away",
                                   {syn(0),
                                    {"first half", 0, kHalf, kIncomplete},
                                    syn(kFar),
                                    syn(2 * kFar),
                                    syn(3 * kFar),
                                    syn(4 * kFar),
                                    {"second half", 30, kRest, kPage}}},
                                  {"the second half first",
                                   {syn(0),
                                    {"second half", 30, kRest, kIncomplete},
                                    syn(10),
                                    syn(31),
                                    syn(5, kConflict),
                                    {"first half", 0, kHalf, kPage}}},
                                  {"data in the place of SYNs",
                                   {syn(0),
                                    {"first half", 0, kHalf, kIncomplete},
                                    {"far", kFar, "GET / HTT", kIncomplete},
                                    {"further", 2 * kFar, "GET / HTT", kIncomplete},
                                    {"more than there is room for", 3 * kFar, "GET / HTT", kConflict},
                                    {"second half", 30, kRest, kPage}}},
                              });
}

TEST(RivalStreams, TheRealSynMayComeLast) {
  run_streams(rules().view(), {
                                  {"after three others it is not let through",
                                   {syn(100), syn(200), syn(300), syn(0, kConflict)}},
                                  {"after two others it is read",
                                   {syn(0U - 100),
                                    syn(200),
                                    syn(0),
                                    {"second half", 30, kRest, kIncomplete},
                                    {"first half", 0, kHalf, kPage}}},
                              });
}

TEST(RivalStreams, TheReplacementOfAReadStreamDoesNotCoverItsNumbers) {
  const std::string upload = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 900000000\r\n\r\n";
  const auto upload_bytes = static_cast<std::uint32_t>(upload.size());
  const std::uint32_t below = 0U - (std::uint32_t{5} << 20);
  run_streams(rules().view(),
              {
                  {"a body that is said to reach over them",
                   {syn(0),
                    {"a request", 0, kOther, kPassed},
                    syn(below),
                    {"an upload", below, upload, kPassed},
                    {"its body, far on", below + upload_bytes + (std::uint32_t{3} << 20), "x", kIncomplete},
                    {"the next request's half", kOtherBytes, kHalf, kIncomplete},
                    {"its rest", kOtherBytes + 30, kRest, kPage}}},
                  {"close to it both are read",
                   {syn(0),
                    {"a request", 0, kOther, kPassed},
                    syn(0U - 1000),
                    {"an upload", 0U - 1000, upload, kPassed},
                    {"the next request", kOtherBytes, kListed, kPage}}},
              });
}

TEST(RivalStreams, ABlockedStreamKeepsItsNumbers) {
  run_streams(rules().view(), {
                                  {"a second block elsewhere",
                                   {syn(0),
                                    {"half", 0, kHalf, kIncomplete},
                                    {"rest", 30, kRest, kPage},
                                    syn(kFar),
                                    {"another listed one", kFar, kListed, kPage},
                                    syn(2 * kFar),
                                    {"the rest again", 30, kRest, "drop_blocked_flow http_page"}}},
                                  {"a waiting stream outlives a block beside it",
                                   {syn(0),
                                    {"half", 0, kHalf, kIncomplete},
                                    syn(kFar),
                                    {"a listed one elsewhere", kFar, kListed, kPage},
                                    syn(0U - 500),
                                    {"the rest", 30, kRest, kPage}}},
                                  {"what is sent far ahead moves nothing",
                                   {syn(0),
                                    {"half", 0, kHalf, kIncomplete},
                                    {"rest", 30, kRest, kPage},
                                    {"far ahead", kFar, "x", kIncomplete},
                                    syn(0U - 500, "drop_blocked_flow"),
                                    {"the rest again", 30, kRest, "drop_blocked_flow http_page"}}},
                              });
}

TEST(RivalStreams, AnUnverifiedDecoyAfterABodyGivesWay) {
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n";
  const auto bytes = static_cast<std::uint32_t>(chunked.size());
  run_streams(rules().view(),
              {{"a decoy with a wrong checksum",
                {syn(0),
                 {"the end of the request", bytes + 25, kListed.substr(25), kIncomplete},
                 {"the body's head, half a chunk line", 0, chunked.substr(0, 65), kPassed},
                 {"its rest, a byte of the chunk", 65, chunked.substr(65, 3), kNone},
                 {"decoy", bytes, kOther.substr(0, 25), kIncomplete, "PA", {}, {}, {}, std::uint16_t{0x1234}},
                 {"another byte", 68, chunked.substr(68, 1), kNone},
                 {"all between", 69, chunked.substr(69) + kListed.substr(0, 25), kPage}}}});
}

TEST(RivalStreams, PortsAreUsedAgain) {
  std::vector<StreamStep> steps;
  for (std::uint32_t i = 0; i < 20; ++i) {
    steps.push_back(syn(i * 15'600'000));
    steps.push_back({"request " + std::to_string(i), i * 15'600'000, kOther, kPassed});
  }
  std::vector<StreamStep> refused;
  for (std::uint32_t i = 0; i < 20; ++i) refused.push_back(syn(i * 15'600'000));
  run_streams(rules().view(), {{"each second a connection from the same port", steps},
                               {"each second a connection that is refused", refused}});
}

// Linux's initial sequence numbers wrap after 275 s.
TEST(RivalStreams, APortIsUsedAgainWhenItsNumbersWrap) {
  StreamStep again = syn(0U - 500);
  again.later = std::chrono::seconds(275);
  const std::string other = http_get("other.example.com", "/" + std::string(600, 'a'));
  run_streams(rules().view(),
              {{"another request in the same numbers",
                {syn(0), {"a request", 0, kOther, kPassed}, again, {"another", 0U - 500, other, kPassed}}}});
}

TEST(RivalStreams, AStreamOfManyGigabytesGoesOn) {
  StreamCase test{"long", {syn(0), {"a request", 0, kOther, kPassed}}};
  std::uint32_t at = kOtherBytes;
  const std::string body(1000, 'x');
  // The gap between two pieces of the body is as large as the largest skip.
  constexpr std::uint64_t kUnseen = std::uint64_t{1} << 25;
  const std::string post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9000000000\r\n\r\n";
  test.steps.push_back({"an upload", at, post, kPassed});
  at += static_cast<std::uint32_t>(post.size());
  const std::uint64_t end = std::uint64_t{at} + 9'000'000'000;
  for (std::uint64_t next = at + kUnseen; next < end; next += body.size() + kUnseen) {
    const auto bytes = std::min<std::uint64_t>(body.size(), end - next);
    test.steps.push_back({"body", static_cast<std::uint32_t>(next), body.substr(0, bytes), kNone});
  }
  test.steps.push_back({"the next request", static_cast<std::uint32_t>(end), kListed, kPage});
  run_streams(rules().view(), {test});
}

}  // namespace
}  // namespace weir::test
