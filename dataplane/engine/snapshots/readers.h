#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <rte_rcu_qsbr.h>

namespace weir::engine {

/// The threads that read published objects (see Published), and how a writer learns that none of them still
/// holds an old one.
///
/// A reader goes online before its first read and offline after its last. In between it calls quiescent()
/// whenever it holds no pointer to a published object.
class Readers {
 public:
  static constexpr std::chrono::milliseconds kGraceLimit{5000};

  /// `count` readers, numbered from 0, all of them offline. Throws std::bad_alloc.
  explicit Readers(unsigned count);
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  // Readers' side: wait-free. Only the thread that is reader `reader` calls these.
  void online(unsigned reader) noexcept { rte_rcu_qsbr_thread_online(state_.get(), reader); }
  void offline(unsigned reader) noexcept { rte_rcu_qsbr_thread_offline(state_.get(), reader); }
  void quiescent(unsigned reader) noexcept { rte_rcu_qsbr_quiescent(state_.get(), reader); }

  // Writer's side: one thread.

  /// Starts a grace period. It is over once every online reader has been quiescent or has gone offline.
  [[nodiscard]] std::uint64_t start_grace_period() noexcept { return rte_rcu_qsbr_start(state_.get()); }
  [[nodiscard]] bool is_over(std::uint64_t grace_period) const noexcept {
    return rte_rcu_qsbr_check(state_.get(), grace_period, false) == 1;
  }
  /// Waits for the end of the grace period. False: a reader did not move within `limit`.
  [[nodiscard]] bool wait(std::uint64_t grace_period, std::chrono::milliseconds limit) const;

 private:
  struct FreeAligned {
    void operator()(void* memory) const noexcept;
  };
  std::unique_ptr<rte_rcu_qsbr, FreeAligned> state_;
};

}  // namespace weir::engine
