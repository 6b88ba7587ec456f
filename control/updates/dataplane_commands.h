#pragma once

#include <cstdint>
#include <optional>

#include "control/publish/dataplane_link.h"
#include "control/updates/update_queue.h"
#include "dataplane/base/enforcement.h"

namespace weir::control {

/// Changes of what the dataplane enforces that make no generation. For the thread of the updates.
class DataplaneCommands {
 public:
  DataplaneCommands(const Publisher& publisher, DataplaneLink& link) : publisher_(publisher), link_(link) {}

  /// Error codes: those of DataplaneLink::call().
  ChangeAnswer set_enforcement(Change& change, base::Enforcement enforcement);
  /// Puts tripped rules back into force: one, or all. Error codes: those of DataplaneLink::call().
  ChangeAnswer reset_breaker(Change& change, std::optional<std::uint32_t> rule);

 private:
  [[nodiscard]] std::uint64_t generation() const { return publisher_.current().state.generation.value; }

  const Publisher& publisher_;
  DataplaneLink& link_;
};

}  // namespace weir::control
