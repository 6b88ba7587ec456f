#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/reply/synthetic_request.h"

namespace weir::engine {

/// One frame from the main thread that a worker decides as if a subscriber had sent it, between two bursts:
/// by its own inspector, flows and snapshot. It goes nowhere, its answers neither, and it is no packet
/// received: of the counters only those of requests see it.
class Probe {
 public:
  struct Finding {
    base::Outcome outcome = base::Outcome::forward_not_ip;
    inspect::AnswerKind answer = inspect::AnswerKind::none;
    base::RuleId rule{};
    std::size_t answer_frames = 0;  // that would have gone out
  };

  /// Where the main thread writes the frame; then post() it. Only while idle().
  [[nodiscard]] std::span<std::byte> room() noexcept { return frame_; }
  void post(std::size_t bytes) noexcept {
    bytes_ = bytes;
    // release: the worker reads the frame once it has seen this.
    state_.store(State::posted, std::memory_order_release);
  }
  /// Whether the worker is done with the last frame; `finding` is good then.
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
