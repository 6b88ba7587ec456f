#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/engine/workers/worker.h"
#include "dataplane/proto/packet/packet_view.h"
#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

using base::Outcome;

constexpr std::uint32_t kSequence = 1000;
constexpr std::uint32_t kAcknowledged = 2000;
/// A page of two segments, since no SYN says that the client takes larger ones, and a reset to the server.
constexpr std::size_t kAnswers = 3;

Bytes get(std::string_view host, const std::string& client = "10.0.0.1",
          const std::string& server = "10.0.0.2") {
  return PacketBuilder()
      .ethernet()
      .ipv4(client, server)
      .tcp(41000, 80)
      .seq(kSequence)
      .ack(kAcknowledged)
      .flags("PA")
      .payload("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
      .build();
}

Bytes response() {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.2", "10.0.0.1")
      .tcp(80, 41000)
      .seq(kAcknowledged)
      .ack(kSequence)
      .flags("PA")
      .payload("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      .build();
}

std::size_t payload_of(const Bytes& frame) {
  return proto::parse_packet(frame, proto::LinkType::ethernet).payload.size();
}

WireOptions mirror(base::Enforcement enforcement = base::Enforcement::enforce) {
  WireOptions options;
  options.topology = config::Topology::mirror;
  options.enforcement = enforcement;
  return options;
}

TEST(Mirror, ListedRequestIsAnsweredThroughTheOtherPort) {
  Wire wire(mirror());
  const Bytes listed = get("listed.example");
  wire.subscriber().send(listed);
  wire.run();
  EXPECT_TRUE(wire.subscriber().receive().empty()) << "nothing leaves where the copy comes in";
  const auto answers = wire.network().receive();
  ASSERT_EQ(answers.size(), kAnswers) << "a page and a reset";
  const auto to_client = proto::parse_packet(answers[0], proto::LinkType::ethernet);
  EXPECT_EQ(to_client.destination_port, 41000);
  EXPECT_EQ(to_client.tcp.sequence, kAcknowledged);
  EXPECT_EQ(to_client.tcp.acknowledgement, kSequence + payload_of(listed));
  EXPECT_FALSE(to_client.payload.empty());
  const auto to_server = proto::parse_packet(answers[kAnswers - 1], proto::LinkType::ethernet);
  EXPECT_EQ(to_server.destination_port, 80);
  EXPECT_NE(to_server.tcp.flags & proto::kTcpRst, 0);
  EXPECT_EQ(to_server.tcp.sequence, kSequence + payload_of(listed)) << "the server has got the request";
  EXPECT_EQ(wire.count(Outcome::mirror_listed), 1U);
  wire.expect_conservation();
}

TEST(Mirror, BothDirectionsOfACopyAreSeenAndNothingIsForwarded) {
  Wire wire(mirror());
  wire.subscriber().send(get("passed.example"));
  wire.subscriber().send(response());
  wire.subscriber().send(PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build());
  wire.run();
  EXPECT_TRUE(wire.subscriber().receive().empty());
  EXPECT_TRUE(wire.network().receive().empty());
  EXPECT_EQ(wire.count(Outcome::mirror_seen), 3U);
  EXPECT_EQ(wire.count(base::Counter::requests), 1U);
  wire.expect_conservation();
}

TEST(Mirror, EitherSideOfTheCopyMayBeTheClient) {
  Wire wire(mirror());
  wire.subscriber().send(get("listed.example"));
  wire.subscriber().send(get("listed.example", "10.0.0.2", "10.0.0.1"));
  wire.run();
  EXPECT_EQ(wire.network().receive().size(), 2 * kAnswers);
  EXPECT_EQ(wire.count(Outcome::mirror_listed), 2U);
}

TEST(Mirror, OutcomesSayWhatWasDone) {
  struct Case {
    const char* description;
    WireOptions options;
    std::vector<Bytes> copies;
    Outcome outcome;
    std::size_t answers;
  };
  WireOptions without_list = mirror();
  without_list.with_list = false;
  WireOptions closed = without_list;
  closed.fail.no_list = config::FailMode::closed;
  const Bytes listed = get("listed.example");
  const Case cases[] = {
      {"monitor", mirror(base::Enforcement::monitor), {listed}, Outcome::mirror_monitor, 0},
      {"bypass", mirror(base::Enforcement::bypass), {listed}, Outcome::mirror_unseen, 0},
      {"no list", without_list, {listed}, Outcome::mirror_unseen, 0},
      {"no list, closed: there is nothing to close", closed, {listed}, Outcome::mirror_unseen, 0},
      {"the request again", mirror(), {listed, listed}, Outcome::mirror_listed, 2 * kAnswers},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    Wire wire(row.options);
    for (const Bytes& copy : row.copies) wire.subscriber().send(copy);
    wire.run();
    EXPECT_EQ(wire.count(row.outcome), row.copies.size());
    EXPECT_EQ(wire.network().receive().size(), row.answers);
    EXPECT_TRUE(wire.subscriber().receive().empty());
    wire.expect_conservation();
  }
}

TEST(Mirror, WhatComesInAtTheAnswersPortIsNoCopy) {
  Wire wire(mirror());
  wire.network().send(get("listed.example"));
  wire.network().send(response());
  wire.run();
  EXPECT_TRUE(wire.subscriber().receive().empty());
  EXPECT_TRUE(wire.network().receive().empty());
  EXPECT_EQ(wire.count(Outcome::mirror_unseen), 2U);
  wire.expect_conservation();
}

TEST(Mirror, SeveralWorkersAnswerThroughTheOtherPort) {
  WireOptions options = mirror();
  options.workers = 2;
  Wire wire(options);
  for (int i = 0; i < 32; ++i) {
    wire.subscriber().send(get("listed.example", "10.0.1." + std::to_string(i)));
  }
  wire.run();
  EXPECT_EQ(wire.count(Outcome::mirror_listed), 32U);
  EXPECT_EQ(wire.network().receive().size(), 32 * kAnswers);
  EXPECT_TRUE(wire.subscriber().receive().empty());
  wire.expect_conservation();
}

}  // namespace
}  // namespace weir::engine
