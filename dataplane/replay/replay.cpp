#include "dataplane/replay/replay.h"

#include <array>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/replay/rule_source.h"

namespace weir::replay {
namespace {

using base::Counter;
using base::index_of;

template <class Enum, std::size_t N, class Count>
nlohmann::ordered_json counts_by_name(const std::array<base::EnumRow<Enum>, N>& rows, const Count& count) {
  nlohmann::ordered_json result = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < N; ++i) result[std::string(rows[i].name)] = count(i);
  return result;
}

/// `ech` of `weir_ech_total`.
std::string short_name(std::string_view metric) {
  constexpr std::string_view kPrefix = "weir_";
  constexpr std::string_view kSuffix = "_total";
  return std::string(metric.substr(kPrefix.size(), metric.size() - kPrefix.size() - kSuffix.size()));
}

}  // namespace

base::Result<Capture> load_capture(const std::filesystem::path& file) {
  auto bytes = read_file(file);
  if (!bytes) return bytes.error();
  Capture capture;
  capture.name = file.string();
  capture.bytes = std::move(bytes).value();
  CaptureReader reader(capture.bytes);
  std::map<std::uint32_t, std::uint64_t> left_out;
  CapturePacket packet;
  CaptureStatus status = reader.next(packet);
  for (; status == CaptureStatus::packet; status = reader.next(packet)) {
    if (!link_type_of(packet.link)) ++left_out[packet.link.value];
    capture.packets.push_back(packet);
  }
  capture.nanoseconds = reader.nanoseconds();
  if (status == CaptureStatus::broken) {
    capture.problems.push_back(
        fmt::format("{}: offset {}: {}", capture.name, reader.offset(), reader.problem()));
  }
  for (const auto& [link, count] : left_out) {
    capture.problems.push_back(
        fmt::format("{}: {} packets of link type {} left out: expected Ethernet, raw IP, Linux cooked, "
                    "loopback or PPP",
                    capture.name, count, link));
  }
  return capture;
}

Replay::Replay(const Settings& settings, const match::SnapshotView* snapshot, const inspect::BlockPage& page,
               RequestPrinter& printer, CaptureWriter* writer)
    : settings_(settings),
      snapshot_(snapshot),
      page_(page),
      printer_(printer),
      writer_(writer),
      budget_(settings.inspector.page_bytes_per_second) {}

void Replay::run(const std::vector<Capture>& captures) {
  inspect::Inspector inspector(settings_.inspector, counters_, &printer_);
  for (const Capture& capture : captures) {
    const auto printing_before = printer_.printing_time();
    const auto writing_before = writing_time_;
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t number = 0;
    for (const CapturePacket& packet : capture.packets) {
      printer_.at(capture.name, ++number, packet.time);
      replay_packet(inspector, packet);
    }
    totals_.inspection_time += std::chrono::steady_clock::now() - start -
                               (printer_.printing_time() - printing_before) -
                               (writing_time_ - writing_before);
  }
}

void Replay::replay_packet(inspect::Inspector& inspector, const CapturePacket& packet) {
  const auto link = link_type_of(packet.link);
  if (!link) return;
  ++totals_.packets;
  totals_.bytes += packet.frame.size();
  if (packet.frame.size() < packet.original_bytes) ++totals_.cut_packets;
  const proto::PacketView view = proto::parse_packet(packet.frame, *link, settings_.inspector.encapsulations);
  const inspect::Verdict verdict =
      inspector.inspect(view, inspect::Direction::unknown, packet.time, snapshot_, settings_.enforcement);
  counters_.add(verdict.outcome);
  if (verdict.action == inspect::Action::forward) {
    write(packet);
  } else if (verdict.answer != inspect::AnswerKind::none || verdict.reset_server) {
    send_answers(view, verdict, packet);
  }
}

void Replay::send_answers(const proto::PacketView& view, const inspect::Verdict& verdict,
                          const CapturePacket& packet) {
  inspect::Verdict fitting = verdict;
  if (!budget_.fit(view, page_, packet.time, fitting)) counters_.add(Counter::pages_limited);
  inspect::AnswerFrames frames(view, fitting, page_);
  std::array<std::byte, inspect::kAnswerFrameBytes> buffer{};
  auto towards = base::Towards::client;
  while (const std::size_t bytes = frames.next(buffer, towards)) {
    counters_.add(Counter::injected, index_of(towards));
    write({.time = packet.time,
           .frame = std::span(buffer).first(bytes),
           .original_bytes = static_cast<std::uint32_t>(bytes),
           .link = packet.link});
  }
}

void Replay::write(const CapturePacket& packet) {
  if (writer_ == nullptr) return;
  const auto start = std::chrono::steady_clock::now();
  writer_->write(packet);
  writing_time_ += std::chrono::steady_clock::now() - start;
}

std::string stats_json(const Replay& replay, const RequestPrinter& printer) {
  const Totals& totals = replay.totals();
  const base::Counters& counters = replay.counters();
  nlohmann::ordered_json stats;
  stats["packets"] = totals.packets;
  stats["bytes"] = totals.bytes;
  stats["seconds"] = std::chrono::duration<double>(totals.inspection_time).count();
  stats["cut_packets"] = totals.cut_packets;
  const auto sum_over_second = [&counters](Counter counter, std::size_t first) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < base::kCounters[index_of(counter)].second.size(); ++i) {
      sum += counters.get(counter, first, i);
    }
    return sum;
  };
  stats["requests"] =
      counts_by_name(base::kProtocols, [&](std::size_t i) { return sum_over_second(Counter::requests, i); });
  stats["blocked"] =
      counts_by_name(base::kProtocols, [&](std::size_t i) { return sum_over_second(Counter::blocked, i); });
  stats["outcomes"] =
      counts_by_name(base::kOutcomes, [&](std::size_t i) { return counters.get(Counter::packets, i); });
  stats["reasons"] = counts_by_name(
      base::kReasons, [&](std::size_t i) { return printer.count(static_cast<base::Reason>(i)); });
  stats["parse"] = counts_by_name(base::kProtocols, [&](std::size_t protocol) {
    return counts_by_name(base::kParseStatuses,
                          [&](std::size_t i) { return counters.get(Counter::parse, protocol, i); });
  });
  std::uint64_t unenforceable = 0;
  for (std::size_t i = 0; i < base::kMaxLists; ++i) unenforceable += counters.get(Counter::unenforceable, i);
  stats["unenforceable"] = unenforceable;
  stats["injected"] =
      counts_by_name(base::kTowards, [&](std::size_t i) { return counters.get(Counter::injected, i); });
  for (const base::CounterRow& row : base::kCounters) {
    if (row.first.key.empty()) stats[short_name(row.name)] = counters.get(row.counter);
  }
  return stats.dump();
}

}  // namespace weir::replay
