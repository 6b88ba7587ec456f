#include "dataplane/match/snapshot_view.h"

#include <string>

#include "dataplane/match/snapshot_check.h"

namespace weir::match {
namespace {

template <class T>
std::span<const T> items_at(std::span<const std::byte> bytes, std::uint64_t offset, std::uint64_t count) {
  return {reinterpret_cast<const T*>(bytes.data() + offset), static_cast<std::size_t>(count)};
}

base::Result<TableView> open_table(std::span<const std::byte> bytes, const TableRecord& record,
                                   TableKind kind, std::size_t list_count) {
  const auto buckets = items_at<Bucket>(bytes, record.buckets_offset, record.bucket_count + 1);
  const auto entries = items_at<TableEntry>(bytes, record.entries_offset, record.entry_count);
  if (auto problem = check_table(buckets, entries, kind, list_count)) return *problem;
  return TableView(buckets, entries);
}

bool is_there(const LayerRecord& layer) noexcept { return layer.hosts.bucket_count != 0; }

}  // namespace

SnapshotView::SnapshotView(const SnapshotHeader& header) noexcept
    : header_(&header),
      fingerprinter_(header.seed),
      id_{.generation = {header.generation}, .checksum = header.checksum, .seed = header.seed},
      base_{.generation = {header.base_generation}, .checksum = header.base_checksum, .seed = header.seed} {}

base::Result<SnapshotView> SnapshotView::open(std::span<const std::byte> bytes) {
  if (const auto problem = check_frame(bytes)) return *problem;
  const auto& header = *reinterpret_cast<const SnapshotHeader*>(bytes.data());
  if (const auto problem = check_layout(header)) return *problem;
  SnapshotView view(header);
  view.lists_ = items_at<ListRecord>(bytes, sizeof(SnapshotHeader), header.list_count);
  if (const auto problem = check_lists(view.lists_, view.is_overlay())) return *problem;
  for (const LayerRecord& record : header.layers) {
    if (!is_there(record)) continue;
    const auto hosts = open_table(bytes, record.hosts, TableKind::hosts, header.list_count);
    if (!hosts) return hosts.error();
    const auto paths = open_table(bytes, record.paths, TableKind::paths, header.list_count);
    if (!paths) return paths.error();
    view.layers_[view.layer_count_++] = {.hosts = hosts.value(), .paths = paths.value()};
  }
  return view;
}

base::Result<SnapshotView> SnapshotView::join(const SnapshotView& base, const SnapshotView& overlay) {
  if (!overlay.is_overlay() || base.is_overlay() || overlay.needs() != base.id()) {
    return base::Error{"snapshot_base", "generation " + std::to_string(overlay.generation().value) +
                                            " holds changes to generation " +
                                            std::to_string(overlay.needs().generation.value) +
                                            ", which is not loaded; load that generation first"};
  }
  bool same_lists = base.lists_.size() == overlay.lists_.size();
  for (std::size_t i = 0; same_lists && i < base.lists_.size(); ++i) {
    same_lists =
        base.lists_[i].name == overlay.lists_[i].name && base.lists_[i].layer == overlay.lists_[i].layer;
  }
  if (!same_lists)
    return base::Error{"snapshot_base", "the overlay was built for other lists; build it again"};
  SnapshotView joined = base;
  joined.header_ = overlay.header_;
  joined.manual_lists_ = overlay.lists_;
  joined.layers_[1] = overlay.layers_[0];
  joined.layer_count_ = kLayers;
  return joined;
}

const ListRecord* SnapshotView::record_of(base::ListIndex list) const noexcept {
  if (list.value >= lists_.size()) return nullptr;
  const bool replaced = lists_[list.value].layer == 1 && !manual_lists_.empty();
  return replaced ? &manual_lists_[list.value] : &lists_[list.value];
}

std::string_view SnapshotView::list_name(base::ListIndex list) const noexcept {
  const ListRecord* const record = record_of(list);
  return record == nullptr ? std::string_view() : std::string_view(record->name.data());
}

std::uint64_t SnapshotView::whole_host_rules(base::ListIndex list) const noexcept {
  const ListRecord* const record = record_of(list);
  return record == nullptr ? 0 : record->whole_host_rules;
}

std::uint64_t SnapshotView::path_rules(base::ListIndex list) const noexcept {
  const ListRecord* const record = record_of(list);
  return record == nullptr ? 0 : record->path_rules;
}

}  // namespace weir::match
