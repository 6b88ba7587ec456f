#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/inspect/block_page/page_template.h"

namespace weir::inspect {

/// Longest response, headers included: ten full-size segments, the initial window of a new connection (RFC
/// 6928). Weir does not wait for acknowledgements.
inline constexpr std::size_t kMaxResponseBytes = 14600;

/// Lower bound for a client's MSS, as in BSD: a request must not cause a flood of tiny segments.
inline constexpr std::uint16_t kMinSegmentBytes = 216;
inline constexpr std::uint16_t kMaxSegmentBytes = 1460;

/// The complete HTTP responses that a blocked client gets. Made once, at start.
class BlockPage {
 public:
  struct Settings {
    unsigned status = 451;     // 451, 403 or 302
    std::string body{};        // an HTML template, see fill_page(); empty: the built-in page
    std::string redirect{};    // for 302: the Location; empty for the others
    std::string blocked_by{};  // for 451: URI of the blocking party, Link rel="blocked-by" (RFC 7725, 4);
                               // empty: no Link
    std::string body_name = "block page";  // what messages call the body: usually its file
    PageTexts texts{};
    /// Largest segment; less if the client's MSS is smaller. 1220 bytes fit every path that carries IPv6,
    /// including through tunnels that the client does not know of.
    std::uint16_t segment_bytes = 1220;
  };
  /// Error code: block_page_invalid. `redirect` and `blocked_by` cannot inject a header.
  static base::Result<BlockPage> make(const Settings& settings);

  [[nodiscard]] std::span<const std::byte> response(bool head_request) const noexcept;

  /// Most bytes of TCP options and payload in one segment to this client. `client_mss` is the MSS of its SYN;
  /// 0: the SYN had none or was not seen, and the default of RFC 9293, 3.7.1 applies.
  [[nodiscard]] std::size_t segment_bytes(std::uint16_t client_mss, bool is_v6) const noexcept;

 private:
  BlockPage() = default;
  std::vector<std::byte> full_;
  std::size_t header_bytes_ = 0;
  std::uint16_t segment_bytes_ = 0;
};

}  // namespace weir::inspect
