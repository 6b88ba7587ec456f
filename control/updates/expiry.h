#pragma once

#include "control/updates/update_queue.h"

namespace weir::control {

/// Removes entries of manual lists when they expire.
class Expiry {
 public:
  Expiry(const Publisher& publisher, UpdateQueue& queue) : publisher_(publisher), queue_(queue) {}

  /// Schedules the removal of the entries that expire next. To be called after each change.
  void schedule();

 private:
  void expire();

  const Publisher& publisher_;
  UpdateQueue& queue_;
};

}  // namespace weir::control
