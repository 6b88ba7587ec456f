// A connection's sequence numbers begin at the SYN that the server accepted, which cannot be seen on the way.
// However many SYNs a client sends, the stream that the server reassembles is read.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
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
const std::string kBlocked = "drop_blocked reset";
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
                                    syn(1),
                                    syn(40000),
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
                                    syn(5),
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
                                  {"after three others, whole",
                                   {syn(100), syn(200), syn(300), syn(0), {"request", 0, kListed, kPage}}},
                                  {"after three others, in halves",
                                   {syn(100),
                                    syn(200),
                                    syn(300),
                                    syn(0),
                                    {"second half", 30, kRest, kIncomplete},
                                    {"first half", 0, kHalf, kPage}}},
                                  {"after three others, unlisted",
                                   {syn(100), syn(200), syn(300), syn(0), {"request", 0, kOther, kPassed}}},
                                  {"after two others it is read",
                                   {syn(0U - 100),
                                    syn(200),
                                    syn(0),
                                    {"second half", 30, kRest, kIncomplete},
                                    {"first half", 0, kHalf, kPage}}},
                              });
}

constexpr std::uint32_t kMega = std::uint32_t{1} << 20;
const std::string kDecoy = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
const auto kDecoyBytes = static_cast<std::uint32_t>(kDecoy.size());

// The server never got the decoy. It holds the tail, and waits for the head.
std::vector<StreamStep> decoy_and_tail() {
  return {
      syn(0), {"a decoy", 0, kDecoy, kPassed}, {"the tail", kDecoyBytes, kListed.substr(kDecoyBytes), kNone}};
}

TEST(RivalStreams, NoSynMakesADecidedStreamForgotten) {
  std::vector<StreamCase> cases;
  const StreamStep head{"the head", 0, kListed.substr(0, kDecoyBytes), kConflict};
  const auto add = [&](const std::string& what, const std::vector<std::uint32_t>& starts) {
    std::vector<StreamStep> steps = decoy_and_tail();
    for (const std::uint32_t start : starts) steps.push_back(syn(start));
    steps.push_back(head);
    StreamStep later = head;
    later.later = std::chrono::seconds(170);
    steps.push_back(later);
    cases.push_back({what, steps});
  };
  for (const std::uint32_t far : {4 * kMega, 5 * kMega, 64 * kMega, 1024 * kMega, 3000 * kMega}) {
    const std::string name = std::to_string(far / kMega) + " MiB";
    add("one SYN " + name + " ahead", {far});
    add("one SYN " + name + " before", {0U - far});
    add("SYNs " + name + " apart, ahead", {far, 2 * far, 3 * far, 4 * far, 5 * far});
    add("SYNs " + name + " apart, before", {0U - far, 0U - 2 * far, 0U - 3 * far, 0U - 4 * far});
  }
  add("SYNs close by, ahead", {100, 200, 300, 400, 500, 600});
  add("SYNs just before", {0U - 100, 0U - 200, 0U - 300, 0U - 400, 0U - 500});
  add("SYNs within its numbers", {1, 2, 3, 4, 5, 6, 7});
  add("SYNs on both sides, then just before",
      {1000 * kMega, 0U - kMega, 1100 * kMega, 1200 * kMega, 1300 * kMega, 1400 * kMega, 0U - 100});
  std::vector<std::uint32_t> many;
  for (std::uint32_t i = 1; i < 60; ++i) many.push_back(i * 70 * kMega);
  for (std::uint32_t i = 1; i < 4; ++i) many.push_back(0U - i * 100);
  add("more than there are ranges, then just before", many);
  run_streams(rules().view(), cases);
}

TEST(RivalStreams, NoStreamWalksOverTheNumbersOfAForgottenOne) {
  const std::string upload = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 90000000\r\n\r\n";
  std::vector<StreamStep> steps = decoy_and_tail();
  constexpr std::uint32_t kBelow = 0U - kMega;
  for (std::uint32_t i = 1; i < 5; ++i) steps.push_back(syn(kBelow - i * 8 * kMega));
  steps.push_back(syn(kBelow));
  steps.push_back({"an upload", kBelow, upload, kPassed});
  for (std::uint32_t at = kBelow + 60000; at < 0U - 60000; at += 60000)
    steps.push_back({"its body", at, "x", kNone});
  steps.push_back({"the head", 0, kListed.substr(0, kDecoyBytes), kConflict});
  steps.push_back({"the head's first byte", 0, kListed.substr(0, 1), kConflict});
  run_streams(rules().view(), {{"a body from below", steps}});
}

TEST(RivalStreams, AByteBeforeASynIsNoProbeIfItWasForgotten) {
  std::vector<StreamStep> steps{syn(0), {"half", 0, kHalf, kIncomplete}};
  for (std::uint32_t i = 1; i < 6; ++i) steps.push_back(syn(31 + i));
  for (std::uint32_t i = 0; i < 4; ++i) steps.push_back({"a byte", 30, kRest.substr(0, 1), kIncomplete});
  steps.push_back(syn(31));
  run_streams(rules().view(), {{"while the stream is followed, it has the byte", steps}});
  std::vector<StreamStep> without = decoy_and_tail();
  for (const std::uint32_t far : {100U, 200U, 300U, 400U, 500U}) without.push_back(syn(far * kMega));
  without.push_back(syn(1));
  without.push_back({"the first byte, before that SYN", 0, kListed.substr(0, 1), kConflict});
  run_streams(rules().view(), {{"a forgotten one", without}});
}

TEST(RivalStreams, BytesFarAheadBelongToOneStreamOnly) {
  const std::string other = http_get("a.example", "/" + std::string(60000, 'a'));
  const std::string upload = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 90000\r\n\r\n";
  const auto upload_bytes = static_cast<std::uint32_t>(upload.size());
  const std::uint32_t decoy = 70000;
  const std::uint32_t hidden = decoy + upload_bytes;
  std::vector<StreamStep> steps{syn(0),
                                syn(decoy),
                                {"an upload", decoy, upload, kPassed},
                                {"the listed request, in its body", hidden, kListed, kNone},
                                {"a request", 0, kOther, kPassed}};
  const std::string body(hidden - kOtherBytes - upload_bytes, 'b');
  const std::string post =
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  std::uint32_t at = kOtherBytes;
  steps.push_back({"an upload before it", at, post, kPassed});
  at += static_cast<std::uint32_t>(post.size());
  steps.push_back({"up to the bytes that the other has", at, std::string(decoy - at, 'b'), kNone});
  steps.push_back({"over them", decoy, std::string(upload_bytes, 'b'), kConflict});
  run_streams(rules().view(), {{"the server follows the first", steps}});
}

// A stream has bytes above the numbers of a forgotten one, which began within it: it is read on.
TEST(RivalStreams, AStreamIsReadOnAboveForgottenNumbers) {
  const std::string post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\n";
  const auto post_bytes = static_cast<std::uint32_t>(post.size());
  const std::uint32_t end = post_bytes + 1000;
  const std::string changed = "?" + kRest.substr(1);
  run_streams(
      rules().view(),
      {
          {"the rest of a request",
           {syn(0),
            {"half", 0, kHalf, kIncomplete},
            syn(5),
            syn(10),
            syn(15),
            syn(20),
            {"another rest", 30, changed, kPassed},
            {"the rest", 30, kRest, kConflict}}},
          {"the rest of a request, and a SYN just before it",
           {syn(0),
            {"half", 0, kHalf, kIncomplete},
            syn(5),
            syn(10),
            syn(15),
            syn(30),
            {"rest", 30, kRest, kPage}}},
          {"the rest of a request, one byte of which is sent again",
           {syn(0),
            {"half", 0, kHalf, kIncomplete},
            syn(5),
            syn(10),
            syn(15),
            syn(20),
            syn(kFar),
            {"a byte that the server has, and the rest", 29, changed.substr(0, 1) + kRest, kConflict}}},
          {"a body, and a request after it",
           {syn(0),
            {"the head", 0, post, kPassed},
            {"its body", post_bytes, std::string(480, 'b'), kNone},
            syn(post_bytes + 490),
            syn(10),
            syn(post_bytes + 470),
            {"the body's rest and a request", post_bytes + 480, std::string(520, 'b') + kListed, kBlocked}}},
          {"a body, and another request after it",
           {syn(0),
            {"the head", 0, post, kPassed},
            {"its body", post_bytes, std::string(480, 'b'), kNone},
            syn(post_bytes + 490),
            syn(10),
            syn(post_bytes + 470),
            {"the body's rest", post_bytes + 480, std::string(520, 'b'), kIncomplete},
            {"the request", end, kOther, kPassed}}},
      });
}

// Bytes that were too far ahead of a stream when they passed have not been read as a part of it. A server
// that follows it must not get as far as to them.
TEST(RivalStreams, NoStreamGetsAsFarAsToBytesThatAnotherOneTook) {
  constexpr std::uint32_t kBound = 70000;
  const std::string upload = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 90000\r\n\r\n";
  const auto upload_bytes = static_cast<std::uint32_t>(upload.size());
  const std::string body(kBound - 30 - kOtherBytes - upload_bytes, 'b');
  const std::string post =
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  ASSERT_EQ(post.size(), upload_bytes);
  const auto steps = [&](std::vector<StreamStep> last) {
    std::vector<StreamStep> all{syn(0),
                                syn(kBound),
                                {"the rest of a request, in a stream of its own", kBound, kRest, kNone},
                                {"a request", 0, kOther, kPassed},
                                {"an upload", kOtherBytes, post, kPassed},
                                {"its body", kOtherBytes + upload_bytes, body, kNone}};
    all.insert(all.end(), last.begin(), last.end());
    return all;
  };
  run_streams(rules().view(),
              {{"half a request before them", steps({{"half", kBound - 30, kHalf, kConflict}})},
               {"half a request in a third stream",
                steps({syn(kBound - 30), {"half", kBound - 30, kHalf, kConflict}})},
               {"less than half of it", steps({{"half", kBound - 30, kHalf.substr(0, 29), kIncomplete}})}});
}

TEST(RivalStreams, APortIsUsedAgainAndAgainCloseBy) {
  std::vector<StreamCase> cases;
  for (const std::uint32_t step : {250U, 1000U, 64000U, 70000U, 250000U, kMega, 3 * kMega, 0U - kMega}) {
    for (const bool listed : {false, true}) {
      StreamCase test{std::to_string(static_cast<std::int32_t>(step)) + " apart", {}};
      for (std::uint32_t i = 0; i < 12; ++i) {
        const std::uint32_t start = i * step;
        const bool last = i == 11;
        test.steps.push_back(syn(start));
        test.steps.push_back({"handshake", start, "", kNoPayload, "A"});
        if (listed && last) {
          test.steps.push_back({"the listed request", start, kListed, kPage});
        } else {
          test.steps.push_back({"request " + std::to_string(i), start, kOther, kPassed});
        }
        if (!last) test.steps.push_back({"FIN", start + kOtherBytes, "", kNoPayload, "FA"});
      }
      cases.push_back(test);
    }
  }
  run_streams(rules().view(), cases);
}

TEST(RivalStreams, APortIsUsedAgainAfterABlock) {
  std::vector<StreamStep> steps{syn(0), {"a listed request", 0, kListed, kPage}};
  for (std::uint32_t i = 1; i < 9; ++i) {
    steps.push_back(syn(i * kMega));
    steps.push_back({"request " + std::to_string(i), i * kMega, kOther, kPassed});
  }
  steps.push_back({"the listed one again", 0, kListed, "drop_blocked_flow http_page"});
  std::vector<StreamStep> blocked;
  for (std::uint32_t i = 0; i < 12; ++i) {
    blocked.push_back(syn(i * kMega));
    blocked.push_back({"listed request " + std::to_string(i), i * kMega, kListed, kPage});
  }
  blocked.push_back(syn(20 * kMega));
  blocked.push_back({"an unlisted one", 20 * kMega, kOther, kPassed});
  blocked.push_back({"the first again, which the server may still wait for", 0, kListed, kConflict});
  run_streams(rules().view(), {{"unlisted ones", steps}, {"blocked each time", blocked}});
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
                    {"its body, far on", below + upload_bytes + (std::uint32_t{3} << 20), "x", kNone},
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

// One to six zeros where a message may begin can be padding, so they are not held. If the bytes before them
// are read again, they are.
TEST(RivalStreams, ZerosEndARequestWhoseBeginningComesLater) {
  const std::string request = std::string("\x04\x01\0\x50\0\0\0\x01\0", 9) + "listed.example.com";
  const auto bytes = static_cast<std::uint32_t>(request.size());
  const StreamStep zero{"its last byte", bytes, std::string(1, '\0'), kNone};
  std::string changed = request;
  changed[1] = '\2';
  const StreamStep decoy{
      "a decoy with a wrong checksum", 0, changed, kNone, "PA", {}, {}, {}, std::uint16_t{0x1234}};
  const StreamStep dropped{"another end",        11, "another end of it", kConflict, "PA", {}, {}, {},
                           std::uint16_t{0x1234}};
  const StreamStep whole{"the request without it", 0, request, kBlocked};
  std::string passed = request;
  passed.replace(9, 6, "passed");
  run_streams(rules().view(),
              {{"after an unverified decoy", {syn(0), decoy, zero, whole}},
               {"in a stream that was picked up there", {zero, whole}},
               {"before a segment over it that is dropped", {syn(0), decoy, zero, dropped, whole}},
               {"an unlisted one", {syn(0), decoy, zero, {"the request without it", 0, passed, kPassed}}}});
}

TEST(RivalStreams, PortsAreUsedAgain) {
  std::vector<StreamStep> steps;
  for (std::uint32_t i = 0; i < 20; ++i) {
    steps.push_back(syn(i * 15'600'000));
    steps.push_back({"request " + std::to_string(i), i * 15'600'000, kOther, kPassed});
  }
  std::vector<StreamStep> refused;
  for (std::uint32_t i = 0; i < 20; ++i) refused.push_back(syn(i * 15'600'000));
  // Until long after the numbers of Linux have wrapped.
  std::vector<StreamStep> for_long;
  for (std::uint32_t i = 0; i < 700; ++i) {
    StreamStep open = syn(i * 15'625'000);
    open.later = std::chrono::seconds(1);
    for_long.push_back(open);
    for_long.push_back({"request " + std::to_string(i), i * 15'625'000, kOther, kPassed});
  }
  std::vector<StreamStep> anywhere;
  std::mt19937 random(7);
  for (std::uint32_t i = 0; i < 12; ++i) {
    const auto start = static_cast<std::uint32_t>(random());
    anywhere.push_back(syn(start));
    anywhere.push_back({"request " + std::to_string(i), start, kOther, kPassed});
  }
  run_streams(rules().view(), {{"each second a connection from the same port", steps},
                               {"each second a connection that is refused", refused},
                               {"for ten minutes", for_long},
                               {"numbers anywhere", anywhere}});
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
