#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "dataplane/base/ascii.h"
#include "dataplane/proto/http/h2_client_stream.h"

namespace weir::proto {

/// Collects the fields of a request from a header block, within the allowance of the connection.
class H2ClientStream::Collector {
 public:
  Collector(const HpackDynamicTable& table, std::span<char> kept, std::size_t& allowance) noexcept
      : table_(table), kept_(kept), allowance_(allowance) {}

  void take(const HpackField& field, H2Request& request) noexcept {
    if (field.name == ":method") return keep_first(field.value, request.method);
    if (field.name == ":scheme") return keep_first(field.value, request.scheme);
    if (field.name == ":path") return keep_first(field.value, request.path);
    if (field.name == ":authority") {
      is_request_ = true;
      return add_host(field.value, request);
    }
    if (base::ascii_iequals(field.name, "host")) add_host(field.value, request);
  }

  /// A name or the path was longer than the allowance.
  [[nodiscard]] bool is_cut() const noexcept { return cut_; }
  /// Trailers have no pseudo-header fields (RFC 9113, 8.1).
  [[nodiscard]] bool is_request() const noexcept { return is_request_; }

  /// The path counts once for each name, because it is looked up with each.
  void finish(H2Request& request) noexcept {
    if (request.host_count > 1 && !spend(request.path.size() * (request.host_count - 1))) request.cut = true;
    if (cut_) request.cut = true;
    if (!request.cut) return;
    request.path = {};
    request.host_count = std::min(request.host_count, kCutNames);
    for (std::string_view& host : request.hosts) host = host.substr(0, kCutNameBytes);
  }

 private:
  bool spend(std::size_t bytes) noexcept {
    const bool enough = bytes <= allowance_;
    if (enough) allowance_ -= bytes;
    return enough;
  }

  /// Views of the table do not outlive the next field, so they are copied.
  std::string_view keep(std::string_view value) noexcept {
    if (!spend(value.size())) {
      cut_ = true;
      value = value.substr(0, kCutNameBytes);
    }
    if (!table_.holds(value)) return value;
    const auto copy = kept_.first(std::min(value.size(), kept_.size()));
    value.copy(copy.data(), copy.size());
    kept_ = kept_.subspan(copy.size());
    return {copy.data(), copy.size()};
  }

  void keep_first(std::string_view value, std::string_view& to) noexcept {
    is_request_ = true;
    if (to.empty()) to = keep(value);
  }

  void add_host(std::string_view value, H2Request& request) noexcept {
    if (value.empty() || request.host_count == kMaxHostHeaders) return;
    request.hosts[request.host_count++] = keep(value);
  }

  const HpackDynamicTable& table_;
  std::span<char> kept_;
  std::size_t& allowance_;
  bool is_request_ = false;
  bool cut_ = false;
};

}  // namespace weir::proto
