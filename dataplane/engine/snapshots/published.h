#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/engine/snapshots/readers.h"

namespace weir::engine {

/// An object that one writer replaces while readers use it. The writer swaps the pointer, lets every online
/// reader pass a quiescent state, and only then frees the old object, on its own thread. Readers never wait.
template <class T>
class Published {
 public:
  /// `initial`: what readers get first; may be null. `readers` must outlive the object.
  explicit Published(Readers& readers, std::unique_ptr<const T> initial = nullptr) noexcept
      : readers_(readers), owned_(std::move(initial)), current_(owned_.get()) {}

  /// The object in force; null if there is none. For a reader it is valid until the reader's next quiescent()
  /// or offline(), for the writer until its next publish().
  [[nodiscard]] const T* current() const noexcept {
    // acquire: the object was written before the pointer.
    return current_.load(std::memory_order_acquire);
  }

  /// Writer only. Puts `object` into force, and returns once every online reader uses it and the old ones are
  /// freed. False: a reader did not move within `grace_limit`. `object` is in force even then; the old ones
  /// stay until a later call finds them unused.
  bool publish(std::unique_ptr<const T> object,
               std::chrono::milliseconds grace_limit = Readers::kGraceLimit) {
    current_.store(object.get(), std::memory_order_release);
    // After the swap: a reader that is quiescent from here on can only pick up the new object. Needed without
    // an old object, too: true means that every reader has the new one.
    const std::uint64_t grace_period = readers_.start_grace_period();
    retired_.push_back({.object = std::exchange(owned_, std::move(object)), .grace_period = grace_period});
    const bool is_over = readers_.wait(grace_period, grace_limit);
    std::erase_if(retired_,
                  [this](const Retired& retired) { return readers_.is_over(retired.grace_period); });
    return is_over;
  }

 private:
  /// An object that no reader can pick up any more.
  struct Retired {
    std::unique_ptr<const T> object;
    std::uint64_t grace_period = 0;
  };

  Readers& readers_;
  std::unique_ptr<const T> owned_;
  std::atomic<const T*> current_;  // written by the writer, read by all
  std::vector<Retired> retired_;
};

}  // namespace weir::engine
