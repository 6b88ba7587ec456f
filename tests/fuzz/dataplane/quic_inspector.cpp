#include "dataplane/inspect/quic/quic_inspector.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/support/packet_builder.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/require.h"

// The input is a script of a client's datagrams. The packets are built here, since a mutated packet would
// never have a right tag. Each step is four bytes of choices, a length and that many bytes; a choice tells
// whether the bytes are the frames of an Initial or a whole datagram.
namespace {

using namespace weir;
using fuzz::require;

constexpr std::size_t kStepBytes = 6;
constexpr std::array<std::uint32_t, 5> kVersions{test::kQuicV1, test::kQuicV2, test::kQuicDraft29, 0xff000017,
                                                 0x0a0a0a0a};
constexpr std::array<std::string_view, 4> kIds{"8394c8f03e515708", "0102030405060708", "5e5e", ""};

const match::SnapshotView& snapshot() {
  static const std::vector<std::byte> bytes = [] {
    rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                   {{.name = "list"}});
    rules::EntryParser parser;
    auto rule = parser.parse("listed.example.com").value();
    rule.id = {1};
    builder.add(rule);
    return builder.build();
  }();
  static const match::SnapshotView view = match::SnapshotView::open(bytes).value();
  return view;
}

struct Step {
  unsigned packet = 0;
  unsigned keys = 0;
  unsigned number = 0;
  unsigned choices = 0;
  std::span<const std::byte> bytes;
};

bool next_step(std::span<const std::byte>& input, Step& step) {
  if (input.size() < kStepBytes) return false;
  const auto byte = [&input](std::size_t i) { return std::to_integer<unsigned>(input[i]); };
  step = {.packet = byte(0), .keys = byte(1), .number = byte(2), .choices = byte(3), .bytes = {}};
  const std::size_t wanted = std::size_t{byte(4)} << 8 | byte(5);
  input = input.subspan(kStepBytes);
  step.bytes = input.first(std::min(wanted, input.size()));
  input = input.subspan(step.bytes.size());
  return true;
}

test::Bytes payload_of(const Step& step) {
  if ((step.packet & 0x80U) != 0) return {step.bytes.begin(), step.bytes.end()};
  test::QuicPacketBuilder packet;
  packet.version(kVersions[step.packet % kVersions.size()])
      .id(kIds[step.keys % 4])
      .keys_from(kIds[step.keys / 4 % 4])
      .number(step.number, 1 + step.keys / 16 % 4)
      .frames(step.bytes);
  // Lengths have two bytes.
  return step.bytes.size() < 16000 ? packet.build() : test::Bytes{};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::Counters counters;
  static inspect::RequestDecider decider(counters);
  inspect::InspectorSettings settings;
  settings.quic_connections = 8;
  inspect::QuicInspector inspector(settings, counters, decider);
  auto input = fuzz::as_input(data, size);
  std::chrono::nanoseconds now{0};
  Step step;
  test::Bytes pending;
  bool blocked = false;
  for (unsigned steps = 0; steps < 64 && next_step(input, step); ++steps) {
    test::append(pending, payload_of(step));
    if ((step.choices & 1U) != 0) continue;  // coalesced with the next
    if (pending.size() > 60000) pending.resize(60000);
    // As clients pad datagrams with Initials; servers ignore smaller ones.
    constexpr std::size_t kMinDatagramBytes = 1200;
    if ((step.choices & 8U) == 0) pending.resize(std::max(pending.size(), kMinDatagramBytes));
    const test::Bytes frame = test::PacketBuilder()
                                  .ethernet()
                                  .ipv4("10.0.0.1", "192.0.2.1")
                                  .udp(static_cast<std::uint16_t>(50000 + (step.choices >> 4 & 3U)), 443)
                                  .payload(pending)
                                  .build();
    const std::size_t pending_bytes = pending.size();
    pending.clear();
    now += std::chrono::seconds((step.choices & 2U) != 0 ? 61 : 1);
    const auto enforcement =
        (step.choices & 4U) != 0 ? base::Enforcement::monitor : base::Enforcement::enforce;
    const auto packet = proto::parse_packet(frame, proto::LinkType::ethernet);
    const auto verdict = inspector.inspect(packet, now, &snapshot(), enforcement);
    const bool drop = verdict.action == inspect::Action::drop;
    require(drop == to_string(verdict.outcome).starts_with("drop_"), "the action matches the outcome");
    const bool closes = verdict.answer == inspect::AnswerKind::quic_close;
    require(verdict.answer == inspect::AnswerKind::none || closes, "QUIC is answered only by a close");
    require(closes == !verdict.datagram.empty(), "a close has a datagram");
    require(!verdict.reset_server, "the server gets nothing");
    require(verdict.datagram.size() <= pending_bytes + 8, "an answer is no larger than its request");
    blocked |= verdict.outcome == base::Outcome::drop_blocked;
    require(blocked || verdict.outcome != base::Outcome::drop_blocked_flow,
            "a connection is blocked before it is known so");
    require(!drop || enforcement == base::Enforcement::enforce,
            "packets are dropped only if rules are enforced");
  }
  return 0;
}
