#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "base/result.h"
#include "inspect/inspector.h"
#include "proto/packet_view.h"
#include "proto/tcp_reply.h"

namespace weir::inspect {

/// Payload of one injected segment; small enough for any path that carries IPv6.
inline constexpr std::size_t kAnswerSegmentBytes = 1200;
/// Room that a frame of an answer needs at most: link header with tags, IPv6, TCP, payload.
inline constexpr std::size_t kAnswerFrameBytes = 1536;

/// Most bytes of a response with its headers: ten full-size segments, what a server may send at once into a
/// new connection (RFC 6928); nothing here waits for acknowledgements.
inline constexpr std::size_t kMaxResponseBytes = 14600;

/// The complete HTTP responses that a blocked client gets, made once at start.
class BlockPage {
 public:
  struct Settings {
    unsigned status = 451;   // 451, 403 or 302
    std::string body{};      // HTML; empty: the built-in neutral page
    std::string redirect{};  // for 302: the Location
    std::string
        blocked_by{};  // for 451: URI of who blocks, Link rel="blocked-by" (RFC 7725, 4); may be empty
  };
  /// Error code: block_page_invalid; `redirect` and `blocked_by` cannot smuggle in a header.
  static base::Result<BlockPage> make(const Settings& settings);

  [[nodiscard]] std::span<const std::byte> response(bool head_request) const noexcept;

 private:
  BlockPage() = default;
  std::vector<std::byte> full_;
  std::size_t header_bytes_ = 0;
};

/// The frames to inject for one verdict, one after the other.
///
///     AnswerFrames frames(packet, verdict, page);
///     while (std::size_t bytes = frames.next(buffer, towards)) send(buffer, bytes, towards);
class AnswerFrames {
 public:
  /// All three must outlive the object; `packet`, or verdict.reassembled, is of class tcp when verdict.answer
  /// is not none. Nothing is made for a packet that came through a tunnel: proto/tcp_reply.h.
  AnswerFrames(const proto::PacketView& packet, const Verdict& verdict, const BlockPage& page) noexcept;

  /// Writes the next frame and says whom it is for; 0: no more (or `out` below kAnswerFrameBytes).
  std::size_t next(std::span<std::byte> out, base::Towards& towards) noexcept;

 private:
  [[nodiscard]] std::uint32_t client_receives_next() const noexcept;
  proto::TcpReply next_to_client() noexcept;

  const proto::PacketView& packet_;
  const Verdict& verdict_;
  std::span<const std::byte> body_;
  std::size_t sent_bytes_ = 0;
  bool client_done_ = false;
  bool server_done_ = false;
};

}  // namespace weir::inspect
