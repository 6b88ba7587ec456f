#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_format.h"

namespace weir::match {

/// The error for a snapshot whose contents are inconsistent.
base::Error snapshot_corrupt(std::string_view what);

/// Checks that the bytes begin like a snapshot of this version and have the size and checksum in its header.
/// Error codes: see SnapshotView::open.
std::optional<base::Error> check_frame(std::span<const std::byte> bytes);

/// Checks that the tables of the header are where they must be, one after the other up to the end of the
/// file. After that every offset and size is safe to use.
std::optional<base::Error> check_layout(const SnapshotHeader& header);

/// Checks the names, layers and counts of the lists.
std::optional<base::Error> check_lists(std::span<const ListRecord> lists, bool is_overlay);

enum class TableKind : std::uint8_t { hosts, paths };

/// Checks that the entries of every bucket lie within the table and are not too many for a lookup, that every
/// tag has an entry, and that every entry is one that a builder can make. `buckets` includes the extra last
/// one. O(size).
std::optional<base::Error> check_table(std::span<const Bucket> buckets, std::span<const TableEntry> entries,
                                       TableKind kind, std::size_t list_count);

}  // namespace weir::match
