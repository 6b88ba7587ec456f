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

/// What is sent in a dropped packet's place.
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

/// One frame from the subscriber, and what becomes of it.
struct Step {
  std::string what;
  Bytes frame;
  std::string outcome;
  Answer answer = Answer::none;
  std::optional<std::uint32_t> server_next{};  // RST to the server; default: the frame's sequence number
  std::optional<std::uint32_t> client_end{};   // what the answer acknowledges; default: the frame
  Bytes whole{};                               // what is answered, if not the frame: it was a fragment
};

struct Scenario {
  std::string name;
  std::vector<std::string> rules;  // `!entry`: an allow rule; a rule's id is its place, from 1
  std::vector<Step> steps;
  /// `PACKET PROTOCOL VERDICT HOST[:PORT][PATH][?QUERY] REASON [RULE] [ech]`, in order.
  std::vector<std::string> requests;
  std::string settings{};  // YAML lines of the section dataplane
  test::PcapLink link = test::PcapLink::ethernet;
};
std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

std::vector<Scenario> http_scenarios();
std::vector<Scenario> tls_scenarios();
std::vector<Scenario> quic_scenarios();
std::vector<Scenario> h2c_scenarios();
std::vector<Scenario> frame_scenarios();
std::vector<Scenario> connection_scenarios();
std::vector<Scenario> stream_scenarios();
std::vector<Scenario> ordinary_scenarios();
std::vector<Scenario> decoy_scenarios();
std::vector<Scenario> connection_lie_scenarios();
std::vector<Scenario> http_disguise_scenarios();
std::vector<Scenario> tls_disguise_scenarios();
std::vector<Scenario> sequence_scenarios();
std::vector<Scenario> fragment_scenarios();
std::vector<Scenario> all_scenarios();

inline constexpr const char* kListName = "hot.txt";

/// A TCP segment 10.0.0.1:40000 -> 192.0.2.1:`port` with sequence number 1000 that acknowledges 5000.
PacketBuilder client(std::uint16_t port = 80);
PacketBuilder client_v6(std::uint16_t port = 80);

void write_frames(const std::filesystem::path& file, const Scenario& scenario);
/// The scenario's rules as the bytes of a snapshot.
Bytes snapshot_of(const Scenario& scenario);

/// Outcomes and how many frames have each.
std::map<std::string, std::uint64_t> expected_outcomes(const Scenario& scenario);

/// Frames that left, by whom they go to, each side in order.
struct Outgoing {
  std::vector<Bytes> to_network;
  std::vector<Bytes> to_subscriber;
};

/// Checks what weir-replay wrote against the scenario, frame by frame: forwarded ones unchanged, answers with
/// the right addresses, numbers, flags, checksums and tags, nothing else. Failures are GoogleTest's.
Outgoing check_outgoing(const Scenario& scenario, const std::vector<Bytes>& frames);

/// Runs weir-replay over the scenario, with everything that it can print and write.
struct ReplayRun {
  Finished finished;
  std::vector<Bytes> frames;
  std::uint32_t link = 0;
};
ReplayRun replay(const Scenario& scenario, const TemporaryDirectory& directory);

}  // namespace weir::scenario
