#include "dataplane/engine/snapshots/snapshot_directory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "dataplane/base/file_descriptor.h"

namespace weir::engine {
namespace {

struct Candidate {
  base::Generation generation;
  std::filesystem::path file;
};

constexpr std::string_view kSuffix = ".snapshot";

std::optional<base::Generation> generation_of(const std::filesystem::path& file) {
  constexpr std::size_t kDigits = 20;
  const std::string stem = file.stem().string();
  if (file.extension() != kSuffix || stem.size() != kDigits) return std::nullopt;
  base::Generation generation;
  const auto [end, failed] = std::from_chars(stem.data(), stem.data() + kDigits, generation.value);
  if (failed != std::errc{} || end != stem.data() + kDigits) return std::nullopt;
  return generation;
}

base::Result<std::unique_ptr<const Snapshot>> load_file(const Candidate& candidate) {
  const base::FileDescriptor file(open(candidate.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    return base::Error{.code = "snapshot_unreadable",
                       .message = fmt::format("cannot open: {}", std::strerror(errno))};
  }
  auto snapshot = Snapshot::load(file.get());
  if (snapshot && snapshot.value()->view.generation() != candidate.generation) {
    return base::Error{
        .code = "snapshot_mismatch",
        .message = fmt::format("holds generation {}: renamed?", snapshot.value()->view.generation().value)};
  }
  return snapshot;
}

// Joins an overlay with its base in the same directory.
base::Result<std::unique_ptr<const Snapshot>> load(const Candidate& candidate) {
  auto snapshot = load_file(candidate);
  if (!snapshot || !snapshot.value()->view.is_overlay()) return snapshot;
  const base::Generation needed = snapshot.value()->view.needs().generation;
  const auto base =
      load_file({.generation = needed,
                 .file = candidate.file.parent_path() / fmt::format("{:020}{}", needed.value, kSuffix)});
  if (!base) {
    return base::Error{.code = base.error().code,
                       .message = fmt::format("holds changes to generation {}, whose file {}", needed.value,
                                              base.error().message)};
  }
  return Snapshot::join(*base.value(), *snapshot.value());
}

}  // namespace

DirectoryLoad load_newest_snapshot(const std::filesystem::path& directory) {
  DirectoryLoad result;
  std::vector<Candidate> candidates;
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const auto generation = generation_of(entry->path());
    if (generation) candidates.push_back({.generation = *generation, .file = entry->path()});
  }
  if (failed) result.problem = failed.message();
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.generation > b.generation; });
  for (const Candidate& candidate : candidates) {
    auto snapshot = load(candidate);
    if (snapshot) {
      result.snapshot = std::move(snapshot).value();
      result.file = candidate.file;
      return result;
    }
    result.skipped.push_back(
        {.file = candidate.file, .code = snapshot.error().code, .message = snapshot.error().message});
  }
  return result;
}

}  // namespace weir::engine
