#include "control/storage/audit_chain.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "control/storage/digest.h"
#include "dataplane/base/file_descriptor.h"

namespace weir::storage {
namespace {

using base::FileDescriptor;

constexpr std::string_view kSequenceMark = "{\"seq\":";
constexpr std::string_view kDigestMark = ",\"prev\":\"";
constexpr std::string_view kDigestEnd = "\",";
constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kNumberDigits = 20;
constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::string_view kExtension = ".jsonl";

/// The fixed start of a line: its number and the digest of the line before.
struct LineHead {
  std::uint64_t sequence = 0;
  std::string_view previous;
};

std::optional<LineHead> read_line_head(std::string_view line) {
  if (!line.starts_with(kSequenceMark)) return std::nullopt;
  line.remove_prefix(kSequenceMark.size());
  LineHead head;
  const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), head.sequence);
  if (code != std::errc{} || head.sequence == 0) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.starts_with(kDigestMark)) return std::nullopt;
  line.remove_prefix(kDigestMark.size());
  head.previous = line.substr(0, kDigestDigits);
  const bool hex = std::all_of(head.previous.begin(), head.previous.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (head.previous.size() != kDigestDigits || !hex) return std::nullopt;
  if (!line.substr(kDigestDigits).starts_with(kDigestEnd)) return std::nullopt;
  return head;
}

struct OpenFile {
  AuditFile file;
  FileDescriptor descriptor;
};

bool same_files(const std::vector<AuditFile>& a, const std::vector<AuditFile>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const AuditFile& x, const AuditFile& y) { return x.path == y.path; });
}

/// Opens every file of the log. Lists the directory before and after: the two must agree, or a rotation
/// renamed a file in between.
base::Result<std::vector<OpenFile>> open_all(const std::filesystem::path& current) {
  constexpr int attempts = 20;
  int error = ENOENT;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto files = audit_files(current);
    std::vector<OpenFile> opened;
    for (const AuditFile& file : files) {
      FileDescriptor descriptor(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      if (!descriptor) error = errno;
      if (descriptor) opened.push_back({.file = file, .descriptor = std::move(descriptor)});
    }
    if (!opened.empty() && opened.size() == files.size() && same_files(files, audit_files(current)))
      return opened;
  }
  return base::Error{error == ENOENT ? "not_found" : "io",
                     fmt::format("cannot read audit log {}: {}", current.string(), std::strerror(error))};
}

/// Checks the chain line by line across the files.
class Follower {
 public:
  /// Checks the lines of `file`. False: the chain is broken there.
  base::Result<bool> follow(const OpenFile& file, bool is_last) {
    file_ = file.file.path.filename().string();
    line_ = 0;
    ++report_.files;
    std::string pending;
    std::string buffer(kReadBytes, '\0');
    while (true) {
      const ssize_t count = ::read(file.descriptor.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        return base::Error{"io", fmt::format("cannot read {}: {}", file_, std::strerror(errno))};
      }
      if (count == 0) break;
      pending.append(buffer, 0, static_cast<std::size_t>(count));
      if (!take_lines(pending, file.file.first_sequence)) return false;
    }
    if (pending.empty()) return true;
    if (is_last) {
      report_.torn_bytes = pending.size();
      return true;
    }
    ++line_;
    return break_at("the last line is not terminated, but another file follows");
  }

  [[nodiscard]] ChainReport report() const { return report_; }

 private:
  bool take_lines(std::string& pending, std::uint64_t first_of_file) {
    std::size_t begin = 0;
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
      ++line_;
      if (!take(std::string_view(pending).substr(begin, end - begin), first_of_file)) return false;
      begin = end + 1;
    }
    pending.erase(0, begin);
    if (pending.size() <= kMaxAuditLineBytes) return true;
    ++line_;
    return break_at(fmt::format("longer than {} bytes", kMaxAuditLineBytes));
  }

  bool take(std::string_view line, std::uint64_t first_of_file) {
    const auto head = read_line_head(line);
    if (!head || !nlohmann::json::accept(line)) return break_at("not an audit record");
    if (line_ == 1 && first_of_file != 0 && head->sequence != first_of_file) {
      return break_at(fmt::format("record {}, but the name of the file says it starts with {}",
                                  head->sequence, first_of_file));
    }
    if (report_.records != 0) {
      const std::uint64_t expected = report_.last.sequence + 1;
      if (head->sequence != expected) {
        return break_at(fmt::format("expected record {}, found {}", expected, head->sequence));
      }
    }
    const bool has_before = report_.records != 0 || head->sequence == 1;
    if (has_before && head->previous != report_.last.digest) {
      return break_at(
          "the digest of the previous record does not match: that record or this one was changed");
    }
    if (report_.records == 0) report_.first_sequence = head->sequence;
    ++report_.records;
    report_.last = {.sequence = head->sequence, .digest = sha256_hex(line)};
    return true;
  }

  bool break_at(std::string reason) {
    report_.broken = {.file = file_, .line = line_, .reason = std::move(reason)};
    return false;
  }

  ChainReport report_;
  std::string file_;
  std::size_t line_ = 0;
};

}  // namespace

std::string chain_line(const ChainLink& before, std::string_view members) {
  return fmt::format("{}{}{}{}{}{}}}\n", kSequenceMark, before.sequence + 1, kDigestMark, before.digest,
                     kDigestEnd, members);
}

std::optional<ChainLink> read_link(std::string_view line) {
  const auto head = read_line_head(line);
  if (!head) return std::nullopt;
  return ChainLink{.sequence = head->sequence, .digest = sha256_hex(line)};
}

std::optional<std::uint64_t> first_sequence(const std::filesystem::path& file) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, 256> begin{};
  const ssize_t count = descriptor ? ::pread(descriptor.get(), begin.data(), begin.size(), 0) : -1;
  if (count <= 0) return std::nullopt;
  const auto head = read_line_head({begin.data(), static_cast<std::size_t>(count)});
  return head ? std::optional(head->sequence) : std::nullopt;
}

std::filesystem::path rotated_name(const std::filesystem::path& current, std::uint64_t first_sequence) {
  return current.parent_path() /
         fmt::format("{}-{:0{}}{}", current.stem().string(), first_sequence, kNumberDigits, kExtension);
}

std::vector<AuditFile> audit_files(const std::filesystem::path& current) {
  std::vector<AuditFile> files;
  const std::string prefix = current.stem().string() + "-";
  std::error_code error;
  const auto directory = current.has_parent_path() ? current.parent_path() : std::filesystem::path(".");
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() != prefix.size() + kNumberDigits + kExtension.size()) continue;
    if (!name.starts_with(prefix) || !name.ends_with(kExtension)) continue;
    AuditFile file{.path = directory / name};
    const char* digits = name.data() + prefix.size();
    const auto [stop, code] = std::from_chars(digits, digits + kNumberDigits, file.first_sequence);
    if (code != std::errc{} || stop != digits + kNumberDigits || file.first_sequence == 0) continue;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const AuditFile& a, const AuditFile& b) { return a.first_sequence < b.first_sequence; });
  if (std::filesystem::exists(current, error)) files.push_back({.path = current, .first_sequence = 0});
  return files;
}

base::Result<ChainReport> verify_chain(const std::filesystem::path& current) {
  auto files = open_all(current);
  if (!files) return files.error();
  Follower follower;
  for (std::size_t i = 0; i < files.value().size(); ++i) {
    const auto whole = follower.follow(files.value()[i], i + 1 == files.value().size());
    if (!whole) return whole.error();
    if (!whole.value()) break;
  }
  return follower.report();
}

nlohmann::json chain_report_json(const ChainReport& report) {
  nlohmann::json broken;
  if (report.broken) {
    broken = {
        {"file", report.broken->file}, {"line", report.broken->line}, {"reason", report.broken->reason}};
  }
  return {{"whole", !report.broken.has_value()}, {"files", report.files},        {"records", report.records},
          {"first", report.first_sequence},      {"last", report.last.sequence}, {"head", report.last.digest},
          {"torn_bytes", report.torn_bytes},     {"break", std::move(broken)}};
}

}  // namespace weir::storage
