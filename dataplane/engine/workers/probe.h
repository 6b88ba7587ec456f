#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/reply/synthetic_request.h"

namespace weir::engine {

/// A frame from the main thread that a worker decides between two bursts, as if a subscriber had sent it:
/// with the worker's inspector, flows and snapshot. Neither the frame nor its answers are sent, and it is not
/// counted as a packet, only as a request.
class Probe {
 public:
  struct Finding {
    base::Outcome outcome = base::Outcome::forward_not_ip;
    inspect::AnswerKind answer = inspect::AnswerKind::none;
    base::RuleId rule{};
    std::size_t answer_frames = 0;  // that would have been sent
  };

  /// Where the main thread writes the frame before post(). Only while idle().
  [[nodiscard]] std::span<std::byte> room() noexcept { return frame_; }
  void post(std::size_t bytes) noexcept {
    bytes_ = bytes;
    // release: the worker reads the frame once it has seen this.
    state_.store(State::posted, std::memory_order_release);
  }
  /// True: the worker has decided the last frame, and finding() is valid.
  [[nodiscard]] bool idle() const noexcept {
    // acquire: the finding was written before.
    return state_.load(std::memory_order_acquire) == State::idle;
  }
  [[nodiscard]] const Finding& finding() const noexcept { return finding_; }

  // The worker's side.
  [[nodiscard]] bool waits() const noexcept {
    // acquire: the frame was written before.
    return state_.load(std::memory_order_acquire) == State::posted;
  }
  [[nodiscard]] std::span<const std::byte> frame() const noexcept { return std::span(frame_).first(bytes_); }
  void answer(const Finding& finding) noexcept {
    finding_ = finding;
    // release: the main thread reads the finding once it has seen this.
    state_.store(State::idle, std::memory_order_release);
  }

 private:
  enum class State : std::uint8_t { idle, posted };

  alignas(64) std::atomic<State> state_{State::idle};
  std::size_t bytes_ = 0;
  Finding finding_;
  std::array<std::byte, proto::kSyntheticRequestBytes> frame_;
};

}  // namespace weir::engine
