#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/scenario/lab.h"
#include "tests/support/bytes.h"
#include "tests/support/packet_builder.h"
#include "tests/support/pcap_writer.h"

namespace weir::scenario {

using test::Bytes;
using test::PacketBuilder;

/// What is sent instead of a dropped packet.
enum class Answer : std::uint8_t {
  none,
  page,
  head,
  alert,
  reset,
  client_reset,
  server_reset,
  finish,
  close
};

/// One frame from the subscriber, and its outcome.
struct Step {
  std::string what;
  Bytes frame;
  std::string outcome;
  Answer answer = Answer::none;
  std::optional<std::uint32_t> server_next{};  // of the RST to the server; default: the frame's number
  std::optional<std::uint32_t> client_end{};   // what the answer acknowledges; default: the whole frame
  Bytes whole{};                               // if the frame is a fragment: the packet to answer
};

struct Scenario {
  std::string name;
  std::vector<std::string> rules;  // `!entry`: an allow rule; a rule's id is its position, from 1
  std::vector<Step> steps;
  /// `PACKET PROTOCOL VERDICT HOST[:PORT][PATH][?QUERY] REASON [RULE] [ech]`, in order.
  std::vector<std::string> requests;
  std::string settings{};  // YAML lines of the section dataplane
  /// Most scenarios are about what is seen, and begin in the middle of a connection: they get whole answers.
  bool needs_handshake = false;
  test::PcapLink link = test::PcapLink::ethernet;
};
std::ostream& operator<<(std::ostream& out, const Scenario& scenario);
/// The YAML lines of the section dataplane, with `block.handshake`.
std::string settings_of(const Scenario& scenario);

inline constexpr const char* kListName = "hot.txt";

/// A TCP segment 10.0.0.1:40000 -> 192.0.2.1:`port` with sequence number 1000 that acknowledges 5000.
PacketBuilder client(std::uint16_t port = 80);
PacketBuilder client_v6(std::uint16_t port = 80);

void write_frames(const std::filesystem::path& file, const Scenario& scenario);
/// The scenario's rules as the bytes of a snapshot.
Bytes snapshot_of(const Scenario& scenario);

/// The number of frames with each outcome.
std::map<std::string, std::uint64_t> expected_outcomes(const Scenario& scenario);

/// Frames that left, by direction, each in order.
struct Outgoing {
  std::vector<Bytes> to_network;
  std::vector<Bytes> to_subscriber;
};

/// Compares what weir-replay wrote with the scenario, frame by frame: forwarded frames are unchanged, answers
/// have the right addresses, numbers, flags, checksums and tags, and there is nothing else. Reports to
/// GoogleTest.
Outgoing check_outgoing(const Scenario& scenario, const std::vector<Bytes>& frames);

/// Runs weir-replay on the scenario with all its output.
struct ReplayRun {
  Finished finished;
  std::vector<Bytes> frames;
  std::uint32_t link = 0;
};
ReplayRun replay(const Scenario& scenario, const TemporaryDirectory& directory);

}  // namespace weir::scenario
