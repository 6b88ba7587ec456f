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
#include "dataplane/proto/url/authority_readings.h"

namespace weir::inspect {

/// A name by which a request is looked up, as the client wrote it.
struct RequestName {
  std::string_view authority;
  std::string_view target;  // in origin form; empty: only the host counts
  std::uint16_t port = 0;   // destination port of the connection
  bool is_name = false;     // the authority is a name, whatever delimiters it has
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
  /// From now on, there are no further names.
  void read_usual_only() noexcept { usual_only_ = true; }
  [[nodiscard]] bool usual_only() const noexcept { return usual_only_; }
  /// The Host headers are more than all() has room for.
  [[nodiscard]] bool has_more() const noexcept { return !more_headers_.empty(); }

  /// Calls `visit(RequestName)` for each further name that some server sees in the request, until it returns
  /// true: other readings of an authority or of a request line with blanks in its target, and Host headers
  /// that all() has no room for. Ordinary requests have none, so it is worth calling only if has_more() or if
  /// one of all() was not plain (CanonicalUrl::was_plain). Bounded: when the targets add up to
  /// kMaxFurtherTargetBytes, the rest is visited without target.
  template <typename Visit>
  void visit_further(const Visit& visit) const noexcept;
  static constexpr std::size_t kMaxFurtherTargetBytes = std::size_t{1} << 19;

 private:
  /// The targets of a request line that servers split at different blanks.
  struct TargetSpellings {
    std::array<std::string_view, 3> targets;
    std::size_t count;
  };
  struct Budget {
    std::size_t target_bytes = kMaxFurtherTargetBytes;
  };
  void add_http(const proto::HttpRequest& request, const proto::PacketView& packet) noexcept;
  void add(std::string_view authority, std::string_view target, std::uint16_t port) noexcept;
  void add_address(const proto::PacketView& packet, std::string_view target) noexcept;
  [[nodiscard]] static TargetSpellings spellings_of(std::string_view target) noexcept;
  [[nodiscard]] std::string_view path_of(const proto::HttpTarget& parts) const noexcept {
    return host_only_ ? std::string_view{} : parts.path_and_query;
  }
  template <typename Visit>
  bool visit_authority(std::string_view authority, std::string_view path, bool as_written, Budget& budget,
                       const Visit& visit) const noexcept;
  template <typename Visit>
  bool visit_target(const proto::HttpTarget& parts, bool as_written, Budget& budget,
                    const Visit& visit) const noexcept;

  std::array<RequestName, proto::kMaxHostHeaders + 1> names_{};
  std::size_t count_ = 0;
  bool host_only_ = false;
  bool usual_only_ = false;
  std::uint16_t port_ = 0;
  std::string_view method_;
  std::string_view target_;
  std::string_view more_headers_;
  std::array<char, 64> address_text_{};
};
static_assert(2 * proto::kMaxServerNames <= proto::kMaxHostHeaders);

template <typename Visit>
void RequestNames::visit_further(const Visit& visit) const noexcept {
  Budget budget;
  const TargetSpellings spellings = spellings_of(target_);
  for (std::size_t i = 0; i < spellings.count; ++i) {
    proto::HttpRequest request;
    request.method = method_;
    request.target = spellings.targets[i];
    if (visit_target(proto::split_http_target(request), i > 0, budget, visit)) return;
  }
}

template <typename Visit>
bool RequestNames::visit_target(const proto::HttpTarget& parts, bool as_written, Budget& budget,
                                const Visit& visit) const noexcept {
  const std::string_view path = path_of(parts);
  if (as_written && parts.has_authority && visit_authority(parts.authority, path, true, budget, visit)) {
    return true;
  }
  for (const RequestName& name : all()) {
    if (visit_authority(name.authority, path, as_written, budget, visit)) return true;
  }
  std::string_view headers = more_headers_;
  std::string_view host;
  while (proto::next_host(headers, host)) {
    if (visit_authority(host, path, true, budget, visit)) return true;
  }
  return false;
}

template <typename Visit>
bool RequestNames::visit_authority(std::string_view authority, std::string_view path, bool as_written,
                                   Budget& budget, const Visit& visit) const noexcept {
  const auto visit_name = [&](std::string_view text, bool is_name) {
    if (path.size() > budget.target_bytes) path = {};
    budget.target_bytes -= path.size();
    return visit(RequestName{.authority = text, .target = path, .port = port_, .is_name = is_name});
  };
  if (as_written && visit_name(authority, false)) return true;
  const proto::AuthorityReadings readings(authority);
  for (const proto::AuthorityReading& reading : readings.all()) {
    if (visit_name(reading.text, reading.is_name)) return true;
  }
  return false;
}

}  // namespace weir::inspect
