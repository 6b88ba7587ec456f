#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/base/result.h"

namespace weir::storage {

/// The audit log is a chain of lines, each a JSON object that begins with its number and the SHA-256 of the
/// line before (without its line feed; zeros before the first one):
///
///     {"seq":7,"prev":"<64 hex digits>",...}
///
/// Lines are appended to `audit.jsonl`; a full file becomes `audit-<20 digits>.jsonl`, named after its first
/// line's number, and the chain goes on in the next one. A line that is changed, taken out or put in breaks
/// the chain; only whoever rewrites everything from there to the end can hide it, which a copy of the last
/// digest kept elsewhere shows.
struct ChainLink {
  std::uint64_t sequence = 0;  // 0: before the first line
  std::string digest = std::string(64, '0');
};

inline constexpr std::size_t kMaxAuditLineBytes = std::size_t{64} << 10;

/// The line, with its line feed, that follows `before`; `members` is the inside of an object: `"a":1,"b":2`.
std::string chain_line(const ChainLink& before, std::string_view members);
/// A line without its line feed as the link for the next one; none when it does not begin as a line does.
std::optional<ChainLink> read_link(std::string_view line);
/// In hexadecimal digits.
std::string sha256(std::string_view bytes);

struct AuditFile {
  std::filesystem::path path;
  std::uint64_t first_sequence = 0;  // from its name; 0: the file that is written to
};
/// The files of the log whose current file is `current`, oldest first, `current` last if it is there.
std::vector<AuditFile> audit_files(const std::filesystem::path& current);
/// The number of the first line of a file; none when that is no line of the log.
std::optional<std::uint64_t> first_sequence(const std::filesystem::path& file);
/// The name that `current` gets when it is full.
std::filesystem::path rotated_name(const std::filesystem::path& current, std::uint64_t first_sequence);

/// Where the chain breaks first.
struct ChainBreak {
  std::string file;  // name without directory
  std::size_t line = 0;
  std::string reason;
};
struct ChainReport {
  std::size_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t first_sequence = 0;  // above 1 when older files were rotated out
  ChainLink last;
  std::size_t torn_bytes = 0;  // of a last line without its end: one being written, or a crash not yet healed
  std::optional<ChainBreak> broken;
};

/// Goes through the whole log, also while it is written to. Error codes: not_found, io.
base::Result<ChainReport> verify_chain(const std::filesystem::path& current);
/// `{"whole","files","records","first","last","head","torn_bytes","break": null | {"file","line","reason"}}`;
/// head: the digest of the last line.
nlohmann::json chain_report_json(const ChainReport& report);

}  // namespace weir::storage
