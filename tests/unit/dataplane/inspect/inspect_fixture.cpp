#include "tests/unit/dataplane/inspect/inspect_fixture.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::test {

TestSnapshot::TestSnapshot(const std::vector<ListText>& lists) {
  std::vector<rules::ListPolicy> policies;
  for (const ListText& list : lists) policies.push_back({.name = list.name});
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0}, policies);
  rules::EntryParser parser;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    std::uint32_t line_number = 0;
    for (const std::string& line : lists[i].lines) {
      const bool allow = line.starts_with('!');
      auto rule = parser.parse(std::string_view(line).substr(allow ? 1 : 0),
                               allow ? rules::Action::allow : rules::Action::block);
      if (!rule) throw std::invalid_argument(line + ": " + rule.error().message);
      rule.value().id = {++line_number};
      rule.value().list = {static_cast<std::uint8_t>(i)};
      builder.add(rule.value());
    }
  }
  bytes_ = builder.build();
  auto view = match::SnapshotView::open(bytes_);
  if (!view) throw std::logic_error(view.error().message);
  view_ = view.value();
}

TestInspector::TestInspector(inspect::InspectorSettings settings)
    : inspector_(std::move(settings), counters_, this) {}

inspect::Verdict TestInspector::inspect(const Bytes& frame, const match::SnapshotView* snapshot,
                                        inspect::Direction direction, base::Enforcement enforcement) {
  const proto::PacketView packet = proto::parse_packet(frame, proto::LinkType::ethernet);
  // As in a worker: a packet that passes unread must also pass when it is read.
  const bool unread = inspector_.passes_unread(proto::classify(frame, {}), direction);
  inspector_.prefetch_flow(inspector_.prefetch(packet));
  const inspect::Verdict verdict = inspector_.inspect(packet, direction, now, snapshot, enforcement);
  if (unread && enforcement != base::Enforcement::bypass) {
    EXPECT_EQ(to_string(verdict.outcome), to_string(base::Outcome::forward_not_candidate));
  }
  return verdict;
}

std::vector<std::string> TestInspector::take_requests() {
  std::vector<std::string> requests;
  requests.swap(requests_);
  return requests;
}

void TestInspector::on_request(const inspect::RequestRecord& record) noexcept {
  std::string text(to_string(record.protocol));
  text += ' ';
  text += to_string(record.verdict);
  text += ' ';
  text += record.host;
  if (record.port) text += ':' + std::to_string(*record.port);
  if (record.path) text += *record.path;
  if (record.query) text += '?' + std::string(*record.query);
  text += ' ';
  text += to_string(record.reason);
  if (record.rule.value != 0) text += ' ' + std::to_string(record.rule.value);
  requests_.push_back(std::move(text));
}

PacketBuilder segment(std::uint16_t port) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "192.0.2.1")
      .tcp(1234, port)
      .seq(1000)
      .ack(5000)
      .flags("PA");
}

Bytes http_segment(std::string_view payload, std::uint16_t port) {
  return segment(port).payload(payload).build();
}

std::string summary(const inspect::Verdict& verdict) {
  std::string text(to_string(verdict.outcome));
  switch (verdict.answer) {
    case inspect::AnswerKind::none:
      break;
    case inspect::AnswerKind::http_page:
      text += " http_page";
      break;
    case inspect::AnswerKind::tls_alert:
      text += " tls_alert";
      break;
    case inspect::AnswerKind::reset:
      text += " reset";
      break;
    case inspect::AnswerKind::finish:
      text += " finish";
      break;
    case inspect::AnswerKind::quic_close:
      text += " quic_close";
      break;
  }
  return text;
}

}  // namespace weir::test
