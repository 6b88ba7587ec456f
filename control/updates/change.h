#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "control/lists/stage_times.h"
#include "control/storage/audit_log.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Who asks for a change.
struct Caller {
  unsigned uid = 0;
  std::string method;
  std::optional<std::uint64_t> expect_generation;  // refuse the change if another generation is current
};

/// A change in progress: its audit record and its times.
struct Change {
  Caller caller;
  storage::AuditRecord record;
  StageTimes times;
};

using ChangeAnswer = base::Result<nlohmann::json>;
using ChangeDone = std::function<void(ChangeAnswer)>;
/// Makes the change. Runs in the thread of the updates.
using ChangeWork = std::function<ChangeAnswer(Change&)>;

}  // namespace weir::control
