#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/towards.h"
#include "dataplane/inspect/block_page/block_page.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/reply/tcp_reply.h"

namespace weir::inspect {

/// Buffer size that is enough for any frame of an answer.
inline constexpr std::size_t kAnswerFrameBytes = 1536;

/// The frames to inject for one verdict, one at a time.
///
///     AnswerFrames frames(packet, verdict, page);
///     while (std::size_t bytes = frames.next(buffer, towards)) send(buffer, bytes, towards);
class AnswerFrames {
 public:
  /// All three must outlive the object. The answer is to verdict.reassembled if it is set, else to `packet`.
  /// No frames are made if the way back is unknown: see dataplane/proto/reply/reply_path.h.
  AnswerFrames(const proto::PacketView& packet, const Verdict& verdict, const BlockPage& page) noexcept;

  /// Writes the next frame and sets `towards` to its receiver. Returns its length; 0: no more frames, or
  /// `out` is smaller than kAnswerFrameBytes.
  std::size_t next(std::span<std::byte> out, base::Towards& towards) noexcept;

 private:
  [[nodiscard]] std::uint32_t client_receives_next() const noexcept;
  proto::TcpReply next_to_client() noexcept;

  const proto::PacketView& packet_;
  const Verdict& verdict_;
  std::span<const std::byte> body_;
  std::optional<proto::TcpTimestamps> timestamps_;  // of the segments to the client
  std::size_t segment_bytes_ = 0;
  std::size_t sent_bytes_ = 0;
  bool client_done_ = false;
  bool server_done_ = false;
};

}  // namespace weir::inspect
