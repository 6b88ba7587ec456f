#pragma once

#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/match/fingerprint.h"

namespace weir::match {

/// Identifies a whole snapshot.
struct SnapshotId {
  base::Generation generation;
  std::uint64_t checksum = 0;
  FingerprintSeed seed{};
  bool operator==(const SnapshotId&) const = default;
};

}  // namespace weir::match
