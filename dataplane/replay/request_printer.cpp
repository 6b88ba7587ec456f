#include "dataplane/replay/request_printer.h"

#include <ctime>
#include <ostream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weir::replay {
namespace {

using nlohmann::ordered_json;

template <class Optional>
ordered_json or_null(const Optional& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

bool has_rule(const inspect::RequestRecord& record) {
  return record.reason == base::Reason::listed || record.reason == base::Reason::allow_rule;
}

/// Escapes bytes of the capture that are not printable ASCII: they must not reach a terminal.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c > ' ' && c <= '~') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string endpoint(const proto::IpAddress& address, std::uint16_t port) {
  const std::string text = format_address(address);
  return address.is_v6 ? fmt::format("[{}]:{}", text, port) : fmt::format("{}:{}", text, port);
}

}  // namespace

std::string format_time(std::chrono::nanoseconds since_epoch) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto micros = std::chrono::floor<std::chrono::microseconds>(since_epoch - seconds);
  const std::time_t time = seconds.count();
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, micros.count());
}

std::string format_address(const proto::IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(),
              static_cast<socklen_t>(text.size()));
  return text.data();
}

void RequestPrinter::on_request(const inspect::RequestRecord& record) noexcept {
  ++reasons_[base::index_of(record.reason)];
  if (muted_ || (!settings_.passed_too && record.verdict == base::RequestVerdict::pass)) return;
  const auto start = std::chrono::steady_clock::now();
  out_ << (settings_.json ? json_line(record) : human_line(record)) << '\n';
  printing_time_ += std::chrono::steady_clock::now() - start;
}

std::string RequestPrinter::json_line(const inspect::RequestRecord& record) const {
  const proto::PacketView& packet = *record.packet;
  ordered_json line;
  line["packet"] = packet_number_;
  line["time"] = format_time(time_);
  line["l4"] = packet.packet_class == proto::PacketClass::udp ? "udp" : "tcp";
  line["src"] = format_address(packet.source);
  line["sport"] = packet.source_port;
  line["dst"] = format_address(packet.destination);
  line["dport"] = packet.destination_port;
  line["protocol"] = to_string(record.protocol);
  line["host"] = record.host.empty() ? ordered_json(nullptr) : ordered_json(record.host);
  line["port"] = or_null(record.port);
  line["path"] = or_null(record.path);
  line["query"] = or_null(record.query);
  line["method"] = or_null(record.method);
  line["alpn"] = nullptr;
  if (record.protocol == base::Protocol::tls || record.protocol == base::Protocol::quic) {
    line["alpn"] = ordered_json::array();
    for (const std::string_view name : record.alpn) line["alpn"].push_back(name);
  }
  line["ech"] = record.ech;
  line["verdict"] = to_string(record.verdict);
  line["list"] = nullptr;
  line["rule"] = nullptr;
  if (has_rule(record) && snapshot_ != nullptr) {
    line["list"] = snapshot_->list_name(record.list);
    line["rule"] = record.rule.value;
  }
  line["reason"] = to_string(record.reason);
  if (settings_.name_file) line["file"] = *file_;
  // Methods and ALPN names may contain any bytes; JSON is UTF-8.
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string RequestPrinter::human_line(const inspect::RequestRecord& record) const {
  const proto::PacketView& packet = *record.packet;
  std::string line = settings_.name_file ? fmt::format("{}: ", *file_) : std::string{};
  line += fmt::format("{:>6}  {}  {:4}  {} -> {}  {:5}  ", packet_number_, format_time(time_),
                      to_string(record.protocol), endpoint(packet.source, packet.source_port),
                      endpoint(packet.destination, packet.destination_port), to_string(record.verdict));
  if (record.method) line += printable(*record.method) + ' ';
  line += record.host.empty() ? "(no name)" : printable(record.host);
  if (record.port) line += fmt::format(":{}", *record.port);
  if (record.path) line += printable(*record.path);
  if (record.query) line += '?' + printable(*record.query);
  line += fmt::format("  {}", to_string(record.reason));
  if (has_rule(record) && snapshot_ != nullptr) {
    line += fmt::format(" {}:{}", snapshot_->list_name(record.list), record.rule.value);
  }
  return line;
}

}  // namespace weir::replay
