#pragma once

#include <cstdint>
#include <optional>

#include "control/updates/update_queue.h"

namespace weir::control {

/// Publishes the content of an earlier generation again. For the thread of the updates.
class Rollback {
 public:
  Rollback(const Publisher& publisher, UpdateQueue& queue) : publisher_(publisher), queue_(queue) {}

  /// `generation`: none stands for the newest one whose content differs from the current one's. Error codes:
  /// generation_unknown, generation_damaged, and those of publish().
  ChangeAnswer run(Change& change, std::optional<std::uint64_t> generation);

 private:
  [[nodiscard]] base::Result<base::Generation> default_target() const;

  const Publisher& publisher_;
  UpdateQueue& queue_;
};

}  // namespace weir::control
