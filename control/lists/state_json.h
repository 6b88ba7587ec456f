#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/lists/state.h"

namespace weir::control {

/// The JSON in the files of the store. The readers return false for anything that the writers do not write.
std::string state_to_json(const State& state);
bool state_from_json(std::string_view text, State& state);

std::string notes_to_json(const std::vector<ManualNote>& notes);
bool notes_from_json(std::string_view text, std::vector<ManualNote>& notes);

}  // namespace weir::control
