#include "dataplane/replay/rule_source.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/plain_list.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::replay {
namespace {

constexpr std::size_t kMaxListNameBytes = 63;

std::string list_name_of(const std::filesystem::path& file) {
  return file.filename().string().substr(0, kMaxListNameBytes);
}

std::string_view text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

base::Result<std::vector<std::byte>> read_file(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::vector<std::byte> bytes;
  constexpr std::size_t kPieceBytes = 1 << 20;
  while (stream) {
    const std::size_t read_bytes = bytes.size();
    bytes.resize(read_bytes + kPieceBytes);
    stream.read(reinterpret_cast<char*>(bytes.data() + read_bytes), kPieceBytes);
    bytes.resize(read_bytes + static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) {
    return base::Error{.code = "file_unreadable",
                       .message = fmt::format("{}: cannot read: {}", file.string(), std::strerror(errno))};
  }
  return bytes;
}

base::Result<RuleSource> RuleSource::from_lists(const std::vector<std::filesystem::path>& files,
                                                std::vector<std::string>& skipped_lines) {
  if (files.size() > base::kMaxLists) {
    return base::Error{
        .code = "too_many_lists",
        .message = fmt::format("{} lists given, at most {} are possible", files.size(), base::kMaxLists)};
  }
  std::vector<rules::ListPolicy> policies;
  for (const auto& file : files) policies.push_back({.name = list_name_of(file)});
  rules::SnapshotBuilder builder({.seed = rules::random_snapshot_seed(),
                                  .generation = {1},
                                  .created_unix_seconds = static_cast<std::uint64_t>(
                                      std::chrono::duration_cast<std::chrono::seconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count())},
                                 std::move(policies));
  rules::EntryParser parser;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto text = read_file(files[i]);
    if (!text) return text.error();
    const base::ListIndex list{static_cast<std::uint8_t>(i)};
    const auto summary = rules::read_plain_list(text_of(text.value()), parser,
                                                [&builder, list](rules::Rule&& rule, std::size_t line) {
                                                  rule.id = {static_cast<std::uint32_t>(line)};
                                                  rule.list = list;
                                                  builder.add(rule);
                                                });
    for (const auto& [line, message] : summary.errors) {
      skipped_lines.push_back(fmt::format("{}:{}: {}", files[i].string(), line, message));
    }
  }
  RuleSource source;
  source.bytes_ = builder.build();
  auto view = match::SnapshotView::open(source.bytes_);
  if (!view) return view.error();
  source.view_ = view.value();
  return source;
}

base::Result<RuleSource> RuleSource::from_snapshot(const std::filesystem::path& file) {
  auto bytes = read_file(file);
  if (!bytes) return bytes.error();
  RuleSource source;
  source.bytes_ = std::move(bytes).value();
  auto view = match::SnapshotView::open(source.bytes_);
  if (!view) {
    return base::Error{.code = view.error().code,
                       .message = fmt::format("{}: {}", file.string(), view.error().message)};
  }
  source.view_ = view.value();
  if (!source.view_->is_overlay()) return source;
  const auto base_file =
      file.parent_path() / fmt::format("{:020}.snapshot", view.value().needs().generation.value);
  const auto base = source.join_with(base_file);
  if (!base) {
    return base::Error{.code = base.error().code,
                       .message = fmt::format("{} is an overlay and its base cannot be used: {}",
                                              file.string(), base.error().message)};
  }
  return source;
}

base::Status RuleSource::join_with(const std::filesystem::path& base_file) {
  auto bytes = read_file(base_file);
  if (!bytes) return bytes.error();
  base_bytes_ = std::move(bytes).value();
  const auto base = match::SnapshotView::open(base_bytes_);
  if (!base) {
    return base::Error{.code = base.error().code,
                       .message = fmt::format("{}: {}", base_file.string(), base.error().message)};
  }
  const auto joined = match::SnapshotView::join(base.value(), *view_);
  if (!joined) return joined.error();
  view_ = joined.value();
  return base::ok_status();
}

}  // namespace weir::replay
