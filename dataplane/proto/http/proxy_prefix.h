#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"

namespace weir::proto {

/// What may precede the first request or hello of a connection to a proxy, or from one.
///
/// - found: `bytes` of it are complete; what follows is a request or a hello.
/// - need_more: it may be one, and cannot be complete with less than needed_bytes.
/// - absent: it is none.
struct ProxyPrefix {
  base::ParseStatus status = base::ParseStatus::absent;
  std::size_t bytes = 0;
  std::size_t needed_bytes = 0;
  std::string_view name{};  // SOCKS: the host to connect to; empty: an address
};

/// The header of the PROXY protocol, version 1 (a line) or 2 (binary).
ProxyPrefix parse_proxy_header(std::span<const std::byte> bytes) noexcept;

/// CONNECT of SOCKS 4, 4a and 5 (RFC 1928), with the greeting and the password (RFC 1929) before it. The
/// answers of the proxy are in the other direction, so the client's messages follow each other here.
ProxyPrefix parse_socks(std::span<const std::byte> bytes) noexcept;

}  // namespace weir::proto
