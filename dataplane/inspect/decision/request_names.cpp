#include "dataplane/inspect/decision/request_names.h"

#include <cstring>
#include <span>

#include <arpa/inet.h>

namespace weir::inspect {

RequestNames::RequestNames(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept
    : host_only_(request.method == "CONNECT") {
  add_http(request, packet);
}

// CONNECT with a path opens a WebSocket, not a tunnel (RFC 8441, 4).
RequestNames::RequestNames(const proto::H2Request& request, const proto::PacketView& packet) noexcept
    : host_only_(request.cut || (request.method == "CONNECT" && request.path.empty())) {
  add_http({.method = {},
            .target = request.path,
            .version = {},
            .hosts = request.hosts,
            .host_count = request.host_count,
            .head_bytes = 0,
            .framing = proto::BodyFraming::none,
            .content_length = 0},
           packet);
}

void RequestNames::add_http(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept {
  const proto::HttpTarget target = proto::split_http_target(request);
  const std::string_view path = host_only_ ? std::string_view{} : target.path_and_query;
  if (target.has_authority) add(target.authority, path, packet.destination_port);
  // The Host header of CONNECT repeats the target for the proxy (RFC 9110, 9.3.6). If it differs, the request
  // may still end up there.
  for (const std::string_view host : std::span(request.hosts).first(request.host_count)) {
    if (!host.empty()) add(host, path, packet.destination_port);
  }
  if (count_ == 0) add_address(packet, path);
}

RequestNames::RequestNames(const proto::ClientHello& hello, const proto::PacketView& packet) noexcept
    : host_only_(true) {
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
