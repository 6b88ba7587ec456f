#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "config/settings.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Index of the list `name` in the configuration.
std::optional<std::size_t> list_index(const config::Settings& settings, const std::string& name);

/// Index of the manual list `name`. An empty name stands for the only one. Error codes: list_unknown,
/// list_required, list_not_manual.
base::Result<std::size_t> manual_list(const config::Settings& settings, const std::string& name);

}  // namespace weir::control
