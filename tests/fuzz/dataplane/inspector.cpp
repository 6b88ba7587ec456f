#include "dataplane/inspect/inspector.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/inspect/answer/answer.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/support/frame_check.h"
#include "tests/support/require.h"

// The input is a sequence of frames: a byte of choices (direction, enforcement, link type), two bytes of
// length, the frame. One inspector inspects them one after the other, as a worker would.
namespace {

using namespace weir;
using fuzz::require;

std::vector<std::byte> make_snapshot() {
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                 {{.name = "list"}});
  rules::EntryParser parser;
  std::uint32_t id = 0;
  for (const char* entry : {"listed.example.com", "*.below.example.com", "p.example.com/a/",
                            "p.example.com/b", "p.example.com/c?d=e", "192.0.2.1", "o.example.com:81"}) {
    auto rule = parser.parse(entry);
    if (!rule) throw std::logic_error(rule.error().message);
    rule.value().id = {++id};
    builder.add(rule.value());
  }
  auto allow = parser.parse("ok.listed.example.com", rules::Action::allow);
  if (!allow) throw std::logic_error(allow.error().message);
  allow.value().id = {++id};
  builder.add(allow.value());
  return builder.build();
}

const match::SnapshotView& snapshot() {
  static const std::vector<std::byte> bytes = make_snapshot();
  static const match::SnapshotView view = match::SnapshotView::open(bytes).value();
  return view;
}

const inspect::BlockPage& page() {
  // Two segments, so that splitting is tested too.
  static const inspect::BlockPage made = inspect::BlockPage::make({.body = std::string(1500, 'x')}).value();
  return made;
}

void check_verdict(const proto::PacketView& packet, const inspect::Verdict& verdict,
                   base::Enforcement enforcement) {
  const bool drop = verdict.action == inspect::Action::drop;
  require(drop == to_string(verdict.outcome).starts_with("drop_"), "the action matches the outcome");
  require(drop || verdict.answer == inspect::AnswerKind::none, "only dropped packets are answered");
  require(!drop || enforcement == base::Enforcement::enforce,
          "packets are dropped only if rules are enforced");
  const auto kind = packet.packet_class;
  require(!drop || kind == proto::PacketClass::tcp || kind == proto::PacketClass::udp ||
              kind == proto::PacketClass::fragment,
          "only what may hold a request is dropped");
  require(verdict.reassembled == nullptr || (drop && kind == proto::PacketClass::fragment),
          "another packet is answered in a fragment's place alone");
  require(verdict.outcome != base::Outcome::drop_tx_full, "the inspector does not know of queues");
  require(!verdict.reset_server || drop, "the server is reset only if the packet is dropped");
}

void check_answer(const proto::PacketView& seen, const inspect::Verdict& verdict) {
  const proto::PacketView& packet = verdict.reassembled != nullptr ? *verdict.reassembled : seen;
  inspect::AnswerFrames frames(seen, verdict, page());
  std::array<std::byte, inspect::kAnswerFrameBytes> buffer{};
  auto towards = base::Towards::client;
  // The page in the smallest segments, with timestamps, and the reset.
  const std::size_t most_frames = page().response(false).size() / (inspect::kMinSegmentBytes - 12) + 2;
  std::size_t count = 0;
  while (const std::size_t bytes = frames.next(buffer, towards)) {
    const auto frame = std::span<const std::byte>(buffer).first(bytes);
    const auto reply = proto::parse_packet(frame, packet.link);
    const bool close = verdict.answer == inspect::AnswerKind::quic_close;
    require(reply.packet_class == (close ? proto::PacketClass::udp : proto::PacketClass::tcp),
            "an answer is of the packet's protocol");
    const std::string error = test::checksum_error(frame, reply.ip_offset);
    require(error.empty(), error.c_str());
    const bool to_client = towards == base::Towards::client;
    require(reply.destination == (to_client ? packet.source : packet.destination),
            "the answer goes to the right end");
    require(packet.link_kept, "without the link header there is no answer");
    require(++count <= most_frames, "an answer is a page and a reset at most");
  }
  require(verdict.answer != inspect::AnswerKind::none || count <= (verdict.reset_server ? 1 : 0),
          "no answer, no frame but the reset");
}

std::chrono::nanoseconds now{0};

/// An inspector with little memory and no state from earlier inputs. Making one takes as long as hundreds of
/// inputs, so it is replaced only now and then, and in between all its state has expired. A crash is
/// reproduced with its input alone, which gets a new inspector.
inspect::Inspector& long_after_the_last_input() {
  constexpr unsigned kInputsEach = 2048;
  static base::Counters counters;
  static std::unique_ptr<inspect::Inspector> inspector;
  static unsigned inputs = 0;
  now += std::chrono::hours(1);
  if (inputs++ % kInputsEach == 0) {
    inspector = std::make_unique<inspect::Inspector>(inspect::InspectorSettings{.flow_capacity = 16,
                                                                                .reassembly_bytes = 65536,
                                                                                .quic_connections = 16,
                                                                                .h2c_connections = 2,
                                                                                .fragment_memory_bytes = 0},
                                                     counters);
  }
  return *inspector;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeaderBytes = 3;
  auto input = fuzz::as_input(data, size);
  inspect::Inspector& inspector = long_after_the_last_input();
  while (input.size() >= kHeaderBytes) {
    const auto choice = std::to_integer<unsigned>(input[0]);
    const std::size_t wanted =
        std::to_integer<std::size_t>(input[1]) << 8 | std::to_integer<std::size_t>(input[2]);
    input = input.subspan(kHeaderBytes);
    const auto frame = input.first(std::min(wanted, input.size()));
    input = input.subspan(frame.size());

    const auto direction = static_cast<inspect::Direction>((choice & 3U) % 3);
    const auto enforcement = static_cast<base::Enforcement>((choice >> 2 & 3U) % 3);
    const auto packet = proto::parse_packet(frame, static_cast<proto::LinkType>((choice >> 4) % 5));
    now += std::chrono::seconds(1);
    const bool unread = packet.link == proto::LinkType::ethernet &&
                        inspector.passes_unread(proto::classify(frame, {}), direction);
    const auto verdict =
        inspector.inspect(packet, direction, now, (choice & 0x80U) != 0 ? nullptr : &snapshot(), enforcement);
    require(!unread || enforcement == base::Enforcement::bypass ||
                verdict.outcome == base::Outcome::forward_not_candidate,
            "what passes unread would pass read");
    check_verdict(packet, verdict, enforcement);
    check_answer(packet, verdict);
  }
  return 0;
}
