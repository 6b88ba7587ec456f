#include "tests/scenario/scenario.h"

#include <algorithm>
#include <ostream>
#include <span>
#include <stdexcept>

#include <gtest/gtest.h>

#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/scenario/capture_read.h"
#include "tests/support/frame_check.h"

namespace weir::scenario {
namespace {

proto::LinkType link_of(test::PcapLink link) {
  switch (link) {
    case test::PcapLink::ethernet:
      return proto::LinkType::ethernet;
    case test::PcapLink::raw:
      return proto::LinkType::raw_ip;
    case test::PcapLink::linux_sll:
      return proto::LinkType::linux_sll;
    case test::PcapLink::linux_sll2:
      return proto::LinkType::linux_sll2;
    default:
      return proto::LinkType::loopback;
  }
}

std::uint32_t end_of(const proto::PacketView& view) {
  const unsigned flags = view.tcp.flags;
  return view.tcp.sequence + static_cast<std::uint32_t>(view.payload.size()) +
         ((flags & proto::kTcpSyn) != 0 ? 1U : 0U) + ((flags & proto::kTcpFin) != 0 ? 1U : 0U);
}

/// Removes the frames of one answer from the front of the outgoing frames, and checks them.
class AnswerCheck {
 public:
  AnswerCheck(const Step& step, proto::LinkType link, std::span<const Bytes>& frames, Outgoing& outgoing)
      : step_(step),
        link_(link),
        frames_(frames),
        outgoing_(outgoing),
        seen_(parse_packet(step.whole.empty() ? step.frame : step.whole, link)) {}

  void run() {
    switch (step_.answer) {
      case Answer::none:
        return;
      case Answer::page:
      case Answer::head:
        expect_data(proto::kTcpFin | proto::kTcpPsh | proto::kTcpAck);
        EXPECT_TRUE(received_.starts_with("HTTP/1.1 451 ")) << step_.what << ": " << received_;
        EXPECT_EQ(received_.ends_with("\r\n\r\n"), step_.answer == Answer::head) << step_.what;
        return expect_reset_to_server();
      case Answer::alert:
        expect_data(proto::kTcpFin | proto::kTcpPsh | proto::kTcpAck);
        EXPECT_EQ(test::to_bytes(received_), test::from_hex("15 0303 0002 02 70")) << step_.what;
        return expect_reset_to_server();
      case Answer::reset:
        expect_data(proto::kTcpRst | proto::kTcpAck);
        return expect_reset_to_server();
      case Answer::client_reset:
        return expect_data(proto::kTcpRst | proto::kTcpAck);
      case Answer::server_reset:
        return expect_reset_to_server();
      case Answer::finish:
        expect_data(proto::kTcpAck);
        if ((seen_.tcp.flags & proto::kTcpFin) != 0) expect_reset_to_server();
        return;
      case Answer::close:
        return expect_close();
    }
  }

 private:
  /// Expects frames to the client, the last one with these flags.
  void expect_data(unsigned flags) {
    received_.clear();
    while (expect_segment(flags)) {
    }
  }

  /// Expects one of them; returns whether another one must follow.
  bool expect_segment(unsigned flags) {
    const auto view = next(outgoing_.to_subscriber);
    EXPECT_EQ(view.source, seen_.destination) << step_.what;
    EXPECT_EQ(view.destination, seen_.source) << step_.what;
    EXPECT_EQ(view.source_port, seen_.destination_port) << step_.what;
    const bool more = (flags & proto::kTcpFin) != 0 && view.tcp.flags == proto::kTcpAck;
    EXPECT_EQ(view.tcp.flags, more ? proto::kTcpAck : flags) << step_.what;
    const bool acknowledges = (seen_.tcp.flags & proto::kTcpAck) != 0;
    EXPECT_EQ(view.tcp.sequence, acknowledges ? seen_.tcp.acknowledgement + received_.size() : 0)
        << step_.what;
    EXPECT_EQ(view.tcp.acknowledgement, step_.client_end.value_or(end_of(seen_))) << step_.what;
    received_.append(test::to_text(view.payload));
    if (link_ == proto::LinkType::ethernet && frame_.size() >= 12) {
      EXPECT_TRUE(std::equal(frame_.begin(), frame_.begin() + 6, step_.frame.begin() + 6)) << step_.what;
      EXPECT_TRUE(std::equal(frame_.begin() + 6, frame_.begin() + 12, step_.frame.begin())) << step_.what;
    }
    return more && !view.payload.empty();
  }

  void expect_reset_to_server() {
    const auto view = next(outgoing_.to_network);
    EXPECT_EQ(view.source, seen_.source) << step_.what;
    EXPECT_EQ(view.destination, seen_.destination) << step_.what;
    EXPECT_EQ(view.destination_port, seen_.destination_port) << step_.what;
    EXPECT_EQ(view.tcp.flags, proto::kTcpRst | proto::kTcpAck) << step_.what;
    EXPECT_EQ(view.tcp.sequence, step_.server_next.value_or(seen_.tcp.sequence)) << step_.what;
    EXPECT_TRUE(view.payload.empty()) << step_.what;
  }

  // Unit tests check its content.
  void expect_close() {
    const auto view = next(outgoing_.to_subscriber, proto::PacketClass::udp);
    EXPECT_EQ(view.source, seen_.destination) << step_.what;
    EXPECT_EQ(view.destination, seen_.source) << step_.what;
    EXPECT_EQ(view.source_port, seen_.destination_port) << step_.what;
    EXPECT_EQ(view.destination_port, seen_.source_port) << step_.what;
    ASSERT_GE(view.payload.size(), 33U) << step_.what;
    ASSERT_LE(view.payload.size(), 96U) << step_.what;
    EXPECT_EQ(view.payload[0] & std::byte{0xc0}, std::byte{0xc0}) << step_.what << ": a long header";
    EXPECT_TRUE(std::equal(view.payload.begin() + 1, view.payload.begin() + 5, seen_.payload.begin() + 1) ||
                (seen_.payload[0] & std::byte{0x30}) != std::byte{0})
        << step_.what << ": the version";
  }

  proto::PacketView next(std::vector<Bytes>& side, proto::PacketClass expected = proto::PacketClass::tcp) {
    if (frames_.empty()) {
      ADD_FAILURE() << step_.what << ": a frame of the answer is missing";
      return {};
    }
    frame_ = frames_.front();
    frames_ = frames_.subspan(1);
    side.push_back(frame_);
    const auto view = parse_packet(frame_, link_);
    EXPECT_EQ(view.packet_class, expected) << step_.what;
    EXPECT_EQ(view.ip_offset, seen_.ip_offset) << step_.what << ": tags must be kept";
    EXPECT_EQ(test::checksum_error(frame_, seen_.ip_offset), "") << step_.what;
    // Apart from the addresses, the link header and its tags are the client's.
    const std::size_t addresses = link_ == proto::LinkType::ethernet ? 12 : 0;
    if (frame_.size() >= seen_.ip_offset && seen_.ip_offset >= addresses) {
      EXPECT_TRUE(std::equal(frame_.begin() + static_cast<std::ptrdiff_t>(addresses),
                             frame_.begin() + static_cast<std::ptrdiff_t>(seen_.ip_offset),
                             step_.frame.begin() + static_cast<std::ptrdiff_t>(addresses)))
          << step_.what;
    }
    return view;
  }

  const Step& step_;
  proto::LinkType link_;
  std::span<const Bytes>& frames_;
  Outgoing& outgoing_;
  proto::PacketView seen_;
  Bytes frame_;
  std::string received_;
};

bool has_allow_rules(const Scenario& scenario) {
  return std::any_of(scenario.rules.begin(), scenario.rules.end(),
                     [](const std::string& rule) { return rule.starts_with('!'); });
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) { return out << scenario.name; }

PacketBuilder client(std::uint16_t port) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "192.0.2.1")
      .tcp(40000, port)
      .seq(1000)
      .ack(5000)
      .flags("PA");
}

PacketBuilder client_v6(std::uint16_t port) {
  return PacketBuilder()
      .ethernet()
      .ipv6("2001:db8::1", "2001:db8::2")
      .tcp(40000, port)
      .seq(1000)
      .ack(5000)
      .flags("PA");
}

void write_frames(const std::filesystem::path& file, const Scenario& scenario) {
  test::PcapWriter writer(file, scenario.link);
  for (const Step& step : scenario.steps) writer.write(step.frame);
}

Bytes snapshot_of(const Scenario& scenario) {
  rules::SnapshotBuilder builder({.seed = {7, 9}, .generation = {1}, .created_unix_seconds = 1767323045},
                                 {{.name = kListName}});
  rules::EntryParser parser;
  std::uint32_t id = 0;
  for (const std::string& text : scenario.rules) {
    const bool allow = text.starts_with('!');
    auto rule = parser.parse(std::string_view(text).substr(allow ? 1 : 0),
                             allow ? rules::Action::allow : rules::Action::block);
    if (!rule) throw std::invalid_argument(text + ": " + rule.error().message);
    rule.value().id = {++id};
    builder.add(rule.value());
  }
  return builder.build();
}

std::map<std::string, std::uint64_t> expected_outcomes(const Scenario& scenario) {
  std::map<std::string, std::uint64_t> outcomes;
  for (const Step& step : scenario.steps) ++outcomes[step.outcome];
  return outcomes;
}

Outgoing check_outgoing(const Scenario& scenario, const std::vector<Bytes>& frames) {
  Outgoing outgoing;
  std::span<const Bytes> rest(frames);
  for (const Step& step : scenario.steps) {
    if (step.outcome.starts_with("drop_")) {
      AnswerCheck(step, link_of(scenario.link), rest, outgoing).run();
      continue;
    }
    if (rest.empty()) {
      ADD_FAILURE() << step.what << ": was not forwarded";
      break;
    }
    EXPECT_EQ(test::difference(step.frame, rest.front()), "") << step.what;
    outgoing.to_network.push_back(rest.front());
    rest = rest.subspan(1);
  }
  EXPECT_EQ(rest.size(), 0U) << "unexpected frames";
  return outgoing;
}

std::string settings_of(const Scenario& scenario) {
  const std::string needs = std::string("handshake: ") + (scenario.needs_handshake ? "answered" : "none");
  constexpr std::string_view kBlock = "  block: {";
  std::string settings = scenario.settings;
  const auto block = settings.find(kBlock);
  if (block == std::string::npos) return settings + std::string(kBlock) + needs + "}\n";
  return settings.insert(block + kBlock.size(), needs + ", ");
}

ReplayRun replay(const Scenario& scenario, const TemporaryDirectory& directory) {
  write_frames(directory / "in.pcap", scenario);
  std::vector<std::string> arguments{"--all", "--json", "--stats", "--write", directory / "out.pcap"};
  if (has_allow_rules(scenario)) {
    const Bytes snapshot = snapshot_of(scenario);
    write_text(directory / "rules.snapshot", test::to_text(snapshot));
    arguments.insert(arguments.end(), {"--snapshot", directory / "rules.snapshot"});
  } else {
    std::string list;
    for (const std::string& rule : scenario.rules) list += rule + '\n';
    write_text(directory / kListName, list);
    arguments.insert(arguments.end(), {"--list", directory / kListName});
  }
  write_text(directory / "replay.yaml", "dataplane:\n" + settings_of(scenario));
  arguments.insert(arguments.end(), {"--config", directory / "replay.yaml"});
  arguments.push_back(directory / "in.pcap");
  ReplayRun run{.finished = run_replay(arguments, directory), .frames = {}};
  if (run.finished.status == 0) {
    Recorded recorded = read_capture(directory / "out.pcap");
    run.link = recorded.link;
    run.frames = std::move(recorded.frames);
  }
  return run;
}

}  // namespace weir::scenario
