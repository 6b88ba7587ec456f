#pragma once

#include "control/formats/list_facts.h"

namespace weir::formats {

/// Reads the format `plain`, as rules::PlainListReader does.
ReadFormat read_plain;

}  // namespace weir::formats
