#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/inspect/answer/page_template.h"

namespace weir::inspect {

/// Most bytes of a response with its headers: ten full-size segments, what a server may send at once into a
/// new connection (RFC 6928); nothing here waits for acknowledgements.
inline constexpr std::size_t kMaxResponseBytes = 14600;

/// The least that a client's MSS is taken for, as BSD does it: a request must not bring about a flood of tiny
/// segments.
inline constexpr std::uint16_t kMinSegmentBytes = 216;
inline constexpr std::uint16_t kMaxSegmentBytes = 1460;

/// The complete HTTP responses that a blocked client gets, made once at start.
class BlockPage {
 public:
  struct Settings {
    unsigned status = 451;     // 451, 403 or 302
    std::string body{};        // HTML to be filled in, see fill_page(); empty: the built-in neutral page
    std::string redirect{};    // for 302: the Location
    std::string blocked_by{};  // for 451: URI of who blocks, Link rel="blocked-by" (RFC 7725, 4); may be
                               // empty
    std::string body_name = "block page";  // takes the place of the body's file in messages
    PageTexts texts{};
    /// Most bytes of a segment; less where the client asks for less. 1220 goes through every path that
    /// carries IPv6, tunnels that nobody told the client of included.
    std::uint16_t segment_bytes = 1220;
  };
  /// Error code: block_page_invalid; `redirect` and `blocked_by` cannot smuggle in a header.
  static base::Result<BlockPage> make(const Settings& settings);

  [[nodiscard]] std::span<const std::byte> response(bool head_request) const noexcept;

  /// Bytes of TCP options and payload that one segment to this client may have. `client_mss` is what its SYN
  /// asked for; 0: it asked for nothing, or was not seen: then what RFC 9293, 3.7.1 has a sender assume.
  [[nodiscard]] std::size_t segment_bytes(std::uint16_t client_mss, bool is_v6) const noexcept;

 private:
  BlockPage() = default;
  std::vector<std::byte> full_;
  std::size_t header_bytes_ = 0;
  std::uint16_t segment_bytes_ = 0;
};

}  // namespace weir::inspect
