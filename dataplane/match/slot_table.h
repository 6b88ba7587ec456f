#pragma once

#include <vector>

#include "match/snapshot_format.h"

namespace weir::match {

/// Leaves, of the slots of each key, only those that can decide: one rule for each scope (the host itself,
/// the hosts below) and for encrypted connections alone, one path info for each scope, one port info. At most
/// 7 for a key, however many rules it has. The result is sorted by key and does not depend on the order
/// given.
std::vector<Slot> reduce_slots(std::vector<Slot> slots);

/// The open-addressing table of reduced slots: at most two thirds full, no run longer than kMaxRun.
std::vector<Slot> make_slot_table(const std::vector<Slot>& reduced);

}  // namespace weir::match
