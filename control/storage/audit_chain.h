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

/// The audit log is a hash chain of lines. Each line is a JSON object that starts with its sequence number
/// and the SHA-256 of the previous line without its line feed (all zeros in the first line):
///
///     {"seq":7,"prev":"<64 hex digits>",...}
///
/// Lines are appended to `audit.jsonl`. A full file is renamed to `audit-<20 digits>.jsonl`, after the number
/// of its first line, and the chain continues in a new file. Changing, removing or inserting a line breaks
/// the chain. To hide that, everything from there to the end must be rewritten; a copy of the last digest
/// kept elsewhere reveals it.
struct ChainLink {
  std::uint64_t sequence = 0;  // 0: before the first line
  std::string digest = std::string(64, '0');
};

inline constexpr std::size_t kMaxAuditLineBytes = std::size_t{64} << 10;

/// The line that follows `before`, with its line feed. `members`: the inside of a JSON object, `"a":1,"b":2`.
std::string chain_line(const ChainLink& before, std::string_view members);
/// The link that the line after `line` refers to. `line` has no line feed. None if it is not a line of the
/// log.
std::optional<ChainLink> read_link(std::string_view line);

struct AuditFile {
  std::filesystem::path path;
  std::uint64_t first_sequence = 0;  // from its name; 0: the current file
};
/// The files of the log whose current file is `current`, oldest first. `current` is the last one, if it
/// exists.
std::vector<AuditFile> audit_files(const std::filesystem::path& current);
/// The sequence number of the first line of a file. None if that is not a line of the log.
std::optional<std::uint64_t> first_sequence(const std::filesystem::path& file);
/// The name that `current` is renamed to when it is full.
std::filesystem::path rotated_name(const std::filesystem::path& current, std::uint64_t first_sequence);

/// The first place where the chain is broken.
struct ChainBreak {
  std::string file;  // file name without the directory
  std::size_t line = 0;
  std::string reason;
};
struct ChainReport {
  std::size_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t first_sequence = 0;  // above 1 if the oldest files were deleted by rotation
  ChainLink last;
  std::size_t torn_bytes = 0;  // of an unterminated last line: being written, or cut short by a crash
  std::optional<ChainBreak> broken;
};

/// Checks the whole log. The log may be written to meanwhile. Error codes: not_found, io.
base::Result<ChainReport> verify_chain(const std::filesystem::path& current);
/// `{"whole","files","records","first","last","head","torn_bytes","break": null | {"file","line","reason"}}`.
/// `head` is the digest of the last line.
nlohmann::json chain_report_json(const ChainReport& report);

}  // namespace weir::storage
