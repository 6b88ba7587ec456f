#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_format.h"

namespace weir::match {

/// Error of a snapshot whose contents contradict each other.
base::Error snapshot_corrupt(std::string_view what);

/// Whether the bytes begin as a snapshot of this version does and have the size and checksum that they say.
/// Error codes: those of SnapshotView::open.
std::optional<base::Error> check_frame(std::span<const std::byte> bytes);

/// Whether the tables that the header names lie where they must, one behind the other up to the file's end.
/// After it every offset and size may be used.
std::optional<base::Error> check_layout(const SnapshotHeader& header);

std::optional<base::Error> check_lists(std::span<const ListRecord> lists, bool is_overlay);

enum class TableKind : std::uint8_t { hosts, paths };

/// Whether every bucket's entries lie within the table and are no more than a lookup may read, every tag has
/// an entry, and every entry is one that a builder makes. `buckets` with the additional last one. O(size).
std::optional<base::Error> check_table(std::span<const Bucket> buckets, std::span<const TableEntry> entries,
                                       TableKind kind, std::size_t list_count);

}  // namespace weir::match
