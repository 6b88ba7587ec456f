#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::engine {

/// A snapshot with the lists `lists` and one host rule on the first. Its creation time follows from its
/// generation.
inline std::vector<std::byte> snapshot_bytes(std::uint64_t generation, const std::vector<std::string>& lists,
                                             const std::string& host = "listed.example") {
  std::vector<rules::ListPolicy> policies;
  for (const std::string& name : lists) policies.push_back({.name = name});
  rules::SnapshotBuilder builder(
      {.seed = {1, generation}, .generation = {generation}, .created_unix_seconds = generation * 3},
      policies);
  if (!lists.empty()) {
    rules::Rule rule;
    rule.host = host;
    rule.id = {7};
    builder.add(rule);
  }
  return builder.build();
}

/// An overlay on `base` with one host rule on its manual list.
inline std::vector<std::byte> overlay_bytes(std::uint64_t generation, const std::vector<std::byte>& base,
                                            const std::string& host) {
  const match::SnapshotView view = match::SnapshotView::open(base).value();
  rules::SnapshotBuilder builder(
      {.seed = view.seed(), .generation = {generation}, .created_unix_seconds = generation * 3},
      {{.name = std::string(view.list_name({0})), .manual = true}});
  rules::Rule rule;
  rule.host = host;
  rule.id = {7};
  builder.add(rule);
  return builder.build_overlay(view.id());
}

/// A snapshot with one manual list and no rules, as the base of an overlay.
inline std::vector<std::byte> base_bytes(std::uint64_t generation, const std::string& list) {
  rules::SnapshotBuilder builder(
      {.seed = {1, generation}, .generation = {generation}, .created_unix_seconds = generation * 3},
      {{.name = list, .manual = true}});
  return builder.build();
}

/// The bytes in an anonymous file.
inline base::FileDescriptor file_of(const std::vector<std::byte>& bytes) {
  base::FileDescriptor file(memfd_create("weir-test", MFD_CLOEXEC));
  std::size_t done = 0;
  while (file && done < bytes.size()) {
    const ssize_t wrote = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (wrote <= 0) return {};
    done += static_cast<std::size_t>(wrote);
  }
  return file;
}

}  // namespace weir::engine
