#include "dataplane/inspect/tcp/http_walk.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"

namespace weir::inspect {
namespace {

/// The targets of the found requests, and the status that ended the walk.
struct Walked {
  std::vector<std::string> targets;
  base::ParseStatus end = base::ParseStatus::found;
};

Walked walk(const std::string& segment) {
  Walked result;
  flow::HttpProgress progress;
  HttpWalk requests(std::as_bytes(std::span(segment)), progress);
  for (;;) {
    const proto::HttpParse parse = requests.next();
    if (parse.status != base::ParseStatus::found) {
      result.end = parse.status;
      return result;
    }
    result.targets.emplace_back(parse.request.target);
  }
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n\r\n"; }
std::string post(const std::string& framing, const std::string& body) {
  return "POST /post HTTP/1.1\r\nHost: a.test\r\n" + framing + "\r\n\r\n" + body;
}

std::string lines_that_fail(int count) {
  std::string lines = "\r\n";
  for (int i = 0; i < count; ++i) lines += ": HTTP/1.1\r\n";
  return lines;
}

TEST(HttpWalk, FindsEveryRequestAndSkipsBodiesExactly) {
  const std::string chunked = "Transfer-Encoding: chunked";
  const std::string two_lengths = "Content-Length: 3\r\nContent-Length: 4";
  const std::string both = "Content-Length: 3\r\nTransfer-Encoding: chunked";
  struct Case {
    std::string what;
    std::string segment;
    std::vector<std::string> targets;
  };
  const std::vector<Case> cases{
      {"one", get("/1"), {"/1"}},
      {"three pipelined", get("/1") + get("/2") + get("/3"), {"/1", "/2", "/3"}},
      {"empty lines between", get("/1") + "\r\n\r\n" + get("/2"), {"/1", "/2"}},
      {"a body with a length", post("Content-Length: 3", "abc") + get("/2"), {"/post", "/2"}},
      {"a body that looks like a request is skipped",
       post("Content-Length: " + std::to_string(get("/body").size()), get("/body")) + get("/2"),
       {"/post", "/2"}},
      {"a body that goes on after the segment", post("Content-Length: 4000", get("/body")), {"/post"}},
      {"a body that ends with the segment", post("Content-Length: 3", "abc"), {"/post"}},
      {"a body of no bytes", post("Content-Length: 0", "") + get("/2"), {"/post", "/2"}},
      {"chunked", post(chunked, "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") + get("/2"), {"/post", "/2"}},
      {"chunked, extensions and trailers",
       post(chunked, "3;a=b\r\nabc\r\n0;c\r\nTrailer: x\r\n\r\n") + get("/2"),
       {"/post", "/2"}},
      {"chunked, a request within a chunk is skipped",
       post(chunked,
            "25\r\n" + std::string("GET /body HTTP/1.1\r\nHost: a.test\r\n\r\nx") + "\r\n0\r\n\r\n") +
           get("/2"),
       {"/post", "/2"}},
      {"chunked, cut in a chunk", post(chunked, "fff\r\n" + get("/body")), {"/post"}},
      {"chunked, cut in a size", post(chunked, "ff"), {"/post"}},
      {"chunked, cut in the trailers", post(chunked, "0\r\nTrailer: x\r\n"), {"/post"}},
      {"chunked, a size that is none: look in the body",
       post(chunked, "zz\r\n" + get("/body") + "0\r\n\r\n"),
       {"/post", "/body"}},
      {"chunked, a size that overflows",
       post(chunked, "ffffffffffffffff\r\n" + get("/body")),
       {"/post", "/body"}},
      {"chunked, a bare LF after the size", post(chunked, "3\nabc\r\n" + get("/body")), {"/post", "/body"}},
      {"chunked, data longer than its size",
       post(chunked, "3\r\nabcd\r\n" + get("/body")),
       {"/post", "/body"}},
      {"two lengths: look in the body", post(two_lengths, "abc\r\n" + get("/body")), {"/post", "/body"}},
      {"a length against chunked: look in the body", post(both, "0\r\n\r\n" + get("/2")), {"/post", "/2"}},
      {"after a header line with HTTP/ in it",
       post(both, "Via: HTTP/1.1 proxy\r\n\r\n" + get("/2")),
       {"/post", "/2"}},
      {"right after a body in doubt", post(two_lengths, "a=b" + get("/2")), {"/post", "/2"}},
      {"right after a body of words", post(two_lengths, "a=1, the last=" + get("/2")), {"/post", "/2"}},
      {"after a body that ends like a method", post(two_lengths, "abc" + get("/2")), {"/post", "/2"}},
      {"after a body in doubt that has a version",
       post(two_lengths, "HTTP/1.1 a=b" + get("/2")),
       {"/post", "/2"}},
      {"a list of equal lengths", post("Content-Length: 3, 3", "a=b" + get("/2")), {"/post", "/2"}},
      {"an empty coding",
       post("Content-Length: 3\r\nTransfer-Encoding: ", "a=b" + get("/2")),
       {"/post", "/2"}},
      {"identity",
       post("Content-Length: 3\r\nTransfer-Encoding: identity", "a=b" + get("/2")),
       {"/post", "/2"}},
      {"a length after a bare LF", post("Foo: x\nContent-Length: 400", get("/2")), {"/post", "/2"}},
      {"a length after a bare CR", post("Foo: x\rContent-Length: 400", get("/2")), {"/post", "/2"}},
      {"more lines that fail than garbage may have",
       post(two_lengths, lines_that_fail(100) + get("/2")),
       {"/post", "/2"}},
      {"no request at all", "\x01\x02\x03", {}},
      {"nothing", "", {}},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(walk(test.segment).targets, test.targets) << test.what;
    // Wherever the segment ends, nothing is read beyond it, and requests before it are found.
    for (std::size_t cut = 0; cut < test.segment.size(); ++cut) {
      const auto targets = walk(test.segment.substr(0, cut)).targets;
      EXPECT_LE(targets.size(), test.targets.size()) << test.what << " cut at " << cut;
    }
  }
}

TEST(HttpWalk, ReportsHowItEnded) {
  EXPECT_EQ(walk(get("/1")).end, base::ParseStatus::absent);
  EXPECT_EQ(walk(get("/1") + "GET /2 HTTP/1.1\r\nHo").end, base::ParseStatus::need_more);
}

TEST(HttpWalk, GivesUpOnASegmentOfFailures) {
  const Walked walked = walk("\x01" + lines_that_fail(HttpWalk::kMaxFailedLines + 1) + get("/never"));
  EXPECT_EQ(walked.targets, std::vector<std::string>{});
  EXPECT_EQ(walked.end, base::ParseStatus::malformed);
}

// A request that begins in the middle of a line is found wherever the segment ends in it.
TEST(HttpWalk, WaitsForARequestWithinALine) {
  const std::string stream = post("Content-Length: 3\r\nContent-Length: 4", "x=1 y=2 a=b" + get("/2"));
  for (std::size_t cut = 0; cut < stream.size(); ++cut) {
    flow::HttpProgress progress;
    std::string waiting;
    std::vector<std::string> targets;
    for (const std::string& segment : {stream.substr(0, cut), stream.substr(cut)}) {
      waiting += segment;
      HttpWalk requests(std::as_bytes(std::span(waiting)), progress);
      for (proto::HttpParse parse = requests.next(); parse.status == base::ParseStatus::found;
           parse = requests.next()) {
        targets.emplace_back(parse.request.target);
      }
      waiting = waiting.substr(waiting.size() - requests.rest().size());
    }
    EXPECT_EQ(targets, (std::vector<std::string>{"/post", "/2"})) << "cut at " << cut;
  }
}

TEST(RequestsWithin, EveryPlaceThatLooksLikeARequestLine) {
  const std::string head =
      "\r\nX: a=bGET /1 HTTP/1.1\r\nVia: HTTP/1.1 proxy\r\nPOST /2?HTTP/ HTTP/1.0\r\nHost: a.test\r\n\r\n";
  RequestsWithin within(head);
  proto::HttpRequest request;
  std::vector<std::string> seen;
  while (within.next(request)) {
    seen.push_back(std::string(request.method) + " " + std::string(request.target) + " " +
                   std::string(request.version));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"bGET /1 HTTP/1.1", "POST /2?HTTP/ HTTP/1.0"}));
}

}  // namespace
}  // namespace weir::inspect
