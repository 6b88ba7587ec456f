#pragma once

#include <atomic>
#include <cstdint>

#include "control/publish/dataplane_link.h"
#include "control/updates/update_queue.h"

namespace weir::control {

/// Brings a dataplane that restarted, or that missed a generation, to the current one.
class Reconciler {
 public:
  Reconciler(Publisher& publisher, UpdateQueue& queue) : publisher_(publisher), queue_(queue) {}

  /// Compares a status of the dataplane with the current generation. Thread-safe.
  void on_status(const DataplaneStatus& status);

 private:
  void reconcile();

  Publisher& publisher_;
  UpdateQueue& queue_;
  std::atomic<bool> is_queued_{false};
  std::atomic<std::int64_t> not_before_unix_seconds_{0};
  unsigned failures_ = 0;  // of the thread of the updates
};

}  // namespace weir::control
