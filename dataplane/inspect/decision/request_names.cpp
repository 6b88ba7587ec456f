#include "dataplane/inspect/decision/request_names.h"

#include <cstring>
#include <span>

#include <arpa/inet.h>

#include "dataplane/base/byte_set.h"

namespace weir::inspect {
namespace {

constexpr base::ByteSet kBlanks = base::bytes_of(" \t\v\f\r");

}  // namespace

// CONNECT with a path opens no tunnel: some servers take it for any other method.
RequestNames::RequestNames(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept
    : host_only_(request.method == "CONNECT" && proto::split_http_target(request).path_and_query.empty()) {
  add_http(request, packet);
}

// CONNECT with a path opens a WebSocket, not a tunnel (RFC 8441, 4).
RequestNames::RequestNames(const proto::H2Request& request, const proto::PacketView& packet) noexcept
    : host_only_(request.cut || (request.method == "CONNECT" && request.path.empty())) {
  proto::HttpRequest as_http;
  as_http.target = request.path;
  as_http.hosts = request.hosts;
  as_http.host_count = request.host_count;
  add_http(as_http, packet);
}

void RequestNames::add_http(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept {
  const proto::HttpTarget target = proto::split_http_target(request);
  const std::string_view path = path_of(target);
  method_ = request.method;
  target_ = request.target;
  more_headers_ = request.more_headers;
  port_ = packet.destination_port;
  if (target.has_authority) add(target.authority, path, packet.destination_port);
  // The Host header of CONNECT repeats the target for the proxy (RFC 9110, 9.3.6). If it differs, the request
  // may still end up there.
  for (const std::string_view host : std::span(request.hosts).first(request.host_count)) {
    if (!host.empty()) add(host, path, packet.destination_port);
  }
  if (count_ == 0) add_address(packet, path);
}

RequestNames::RequestNames(const proto::ClientHello& hello, const proto::PacketView& packet) noexcept
    : host_only_(true), port_(packet.destination_port) {
  for (const std::string_view name : std::span(hello.server_names).first(hello.server_name_count)) {
    if (!name.empty()) add(name, {}, packet.destination_port);
  }
  if (count_ == 0) add_address(packet, {});
  for (const std::string_view name : std::span(hello.other_names).first(hello.other_name_count)) {
    add(name, {}, packet.destination_port);
  }
}

void RequestNames::add(std::string_view authority, std::string_view target, std::uint16_t port) noexcept {
  if (count_ == names_.size()) return;
  names_[count_++] = {.authority = authority, .target = target, .port = port};
}

RequestNames::TargetSpellings RequestNames::spellings_of(std::string_view target) noexcept {
  TargetSpellings spellings{.targets = {target, {}, {}}, .count = 1};
  const std::string_view first = base::cut_at(target, kBlanks);
  if (first.size() == target.size()) return spellings;
  std::string_view last = target;
  while (base::cut_at(last, kBlanks).size() < last.size()) {
    last.remove_prefix(base::cut_at(last, kBlanks).size() + 1);
  }
  spellings.targets = {target, first, last};
  spellings.count = 3;
  return spellings;
}

void RequestNames::add_address(const proto::PacketView& packet, std::string_view target) noexcept {
  const bool v6 = packet.destination.is_v6;
  const std::span<char> text = std::span(address_text_).subspan(v6 ? 1 : 0);
  // One byte is left for the closing bracket.
  if (::inet_ntop(v6 ? AF_INET6 : AF_INET, packet.destination.bytes.data(), text.data(),
                  static_cast<socklen_t>(text.size() - 1)) == nullptr) {
    return;
  }
  std::size_t end = std::strlen(text.data());
  if (v6) {
    address_text_.front() = '[';
    text[end++] = ']';
  }
  add({address_text_.data(), end + (v6 ? 1 : 0)}, target, packet.destination_port);
}

}  // namespace weir::inspect
