#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "match/fingerprint.h"
#include "match/snapshot_format.h"

namespace weir::match {

/// A validated snapshot in memory that somebody else owns and nobody changes. open() checks size, version,
/// checksum, every offset and every slot; after it no lookup can read outside or take long, whatever the
/// bytes were. Readers are wait-free. Cheap to copy.
class SnapshotView {
 public:
  /// Error codes: snapshot_truncated, snapshot_magic, snapshot_version, snapshot_checksum, snapshot_corrupt.
  /// `bytes` must outlive the view and be aligned to 8 (refused otherwise as snapshot_corrupt). O(bytes).
  static base::Result<SnapshotView> open(std::span<const std::byte> bytes);

  [[nodiscard]] base::Generation generation() const noexcept { return {header_->generation}; }
  [[nodiscard]] std::uint64_t created_unix_seconds() const noexcept { return header_->created_unix_seconds; }
  [[nodiscard]] std::size_t list_count() const noexcept { return lists_.size(); }
  /// Empty for a list that the snapshot does not have.
  [[nodiscard]] std::string_view list_name(base::ListIndex list) const noexcept;
  /// Entries that hold for whole hosts, and those with a path, of one list; 0 for a list that there is not.
  [[nodiscard]] std::uint64_t whole_host_rules(base::ListIndex list) const noexcept;
  [[nodiscard]] std::uint64_t path_rules(base::ListIndex list) const noexcept;
  [[nodiscard]] const FingerprintSeed& seed() const noexcept { return header_->seed; }
  [[nodiscard]] const Fingerprinter& fingerprinter() const noexcept { return fingerprinter_; }

  [[nodiscard]] std::span<const Slot> host_slots() const noexcept { return hosts_; }
  [[nodiscard]] std::span<const Slot> path_slots() const noexcept { return paths_; }

 private:
  explicit SnapshotView(const SnapshotHeader& header) noexcept
      : header_(&header), fingerprinter_(header.seed) {}

  const SnapshotHeader* header_;
  Fingerprinter fingerprinter_;
  std::span<const Slot> hosts_;
  std::span<const Slot> paths_;
  std::span<const ListRecord> lists_;
};

}  // namespace weir::match
