#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/match/fingerprint.h"
#include "dataplane/match/snapshot_format.h"
#include "dataplane/match/snapshot_id.h"
#include "dataplane/match/table_view.h"

namespace weir::match {

/// The two tables of one layer (snapshot_format.h).
struct LayerView {
  TableView hosts;
  TableView paths;
};

/// A validated snapshot in memory that another object owns and nobody changes. open() checks size, version,
/// checksum, every offset, every bucket and every entry. After that no lookup can read outside the memory or
/// take long. Readers are wait-free. Cheap to copy.
class SnapshotView {
 public:
  /// Error codes: snapshot_truncated, snapshot_magic, snapshot_version, snapshot_checksum, snapshot_corrupt.
  /// `bytes` must outlive the view and be aligned to 8 (refused otherwise as snapshot_corrupt). O(bytes).
  static base::Result<SnapshotView> open(std::span<const std::byte> bytes);

  /// `base` with layer 1, generation, time and manual lists of `overlay`. The bytes of both must outlive it.
  /// Error code: snapshot_base (not an overlay, or an overlay of another base).
  static base::Result<SnapshotView> join(const SnapshotView& base, const SnapshotView& overlay);

  /// An overlay alone has only the rules of manual lists: it must be joined with the snapshot that needs()
  /// names.
  [[nodiscard]] bool is_overlay() const noexcept { return base_.generation.value != 0; }
  /// The whole snapshot that an overlay belongs to.
  [[nodiscard]] const SnapshotId& needs() const noexcept { return base_; }
  /// The id of the whole snapshot; after join() that of the base.
  [[nodiscard]] const SnapshotId& id() const noexcept { return id_; }

  [[nodiscard]] base::Generation generation() const noexcept { return {header_->generation}; }
  [[nodiscard]] std::uint64_t created_unix_seconds() const noexcept { return header_->created_unix_seconds; }
  [[nodiscard]] std::size_t list_count() const noexcept { return lists_.size(); }
  /// Empty for a list that the snapshot does not have.
  [[nodiscard]] std::string_view list_name(base::ListIndex list) const noexcept;
  /// Number of whole-host rules and of path rules of one list; 0 for a list that does not exist.
  [[nodiscard]] std::uint64_t whole_host_rules(base::ListIndex list) const noexcept;
  [[nodiscard]] std::uint64_t path_rules(base::ListIndex list) const noexcept;
  [[nodiscard]] const FingerprintSeed& seed() const noexcept { return header_->seed; }
  [[nodiscard]] const Fingerprinter& fingerprinter() const noexcept { return fingerprinter_; }

  /// The layers that a lookup searches.
  [[nodiscard]] std::span<const LayerView> layers() const noexcept {
    return std::span(layers_).first(layer_count_);
  }

 private:
  explicit SnapshotView(const SnapshotHeader& header) noexcept;
  [[nodiscard]] const ListRecord* record_of(base::ListIndex list) const noexcept;

  const SnapshotHeader* header_;
  Fingerprinter fingerprinter_;
  SnapshotId id_;
  SnapshotId base_;
  std::array<LayerView, kLayers> layers_;
  std::size_t layer_count_ = 0;
  std::span<const ListRecord> lists_;
  std::span<const ListRecord> manual_lists_;  // records of the overlay, which replace those of its lists
};

}  // namespace weir::match
