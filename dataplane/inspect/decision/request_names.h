#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/proto/http/h2_client_stream.h"
#include "dataplane/proto/http/http_request.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/tls/tls_client_hello.h"

namespace weir::inspect {

/// A name by which a request is looked up, as the client wrote it.
struct RequestName {
  std::string_view authority;
  std::string_view target;  // in origin form; empty: only the host counts
  std::uint16_t port = 0;   // destination port of the connection
};

/// All names that a request may be for; it is blocked if any of them is listed. If the request has no name,
/// the destination address takes its place. Holds the address's text, so it cannot be copied.
class RequestNames {
 public:
  /// HTTP: the authority of an absolute target or of CONNECT, then every non-empty Host header.
  RequestNames(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept;
  /// HTTP/2: the authority of an absolute path (which RFC 9113 forbids), :authority, every non-empty host
  /// field.
  RequestNames(const proto::H2Request& request, const proto::PacketView& packet) noexcept;
  /// TLS: every server name, also one that is not said to be a host name; those do not replace the address.
  RequestNames(const proto::ClientHello& hello, const proto::PacketView& packet) noexcept;
  RequestNames(const RequestNames&) = delete;
  RequestNames& operator=(const RequestNames&) = delete;

  [[nodiscard]] std::span<const RequestName> all() const noexcept { return std::span(names_).first(count_); }
  /// Only whole-host rules can match: the path is encrypted or unknown, or the request opens a tunnel.
  [[nodiscard]] bool host_only() const noexcept { return host_only_; }

 private:
  void add_http(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept;
  void add(std::string_view authority, std::string_view target, std::uint16_t port) noexcept;
  void add_address(const proto::PacketView& packet, std::string_view target) noexcept;

  std::array<RequestName, proto::kMaxHostHeaders + 1> names_{};
  std::size_t count_ = 0;
  bool host_only_ = false;
  std::array<char, 64> address_text_{};
};
static_assert(2 * proto::kMaxServerNames <= proto::kMaxHostHeaders);

}  // namespace weir::inspect
