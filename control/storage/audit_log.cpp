#include "control/storage/audit_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "control/storage/digest.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/unix_time.h"

namespace weir::storage {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxReadBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kFirstTailBytes = std::uint64_t{64} << 10;

std::string dump(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

/// The last `bytes` of a file, or all of it.
base::Result<std::string> read_tail(const std::filesystem::path& path, std::uint64_t bytes) {
  const base::Error failed{"io", fmt::format("cannot read audit log {}", path.string())};
  const base::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return failed;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t start = size - std::min(size, bytes);
  std::string tail(size - start, '\0');
  std::size_t got = 0;
  while (got < tail.size()) {
    const ssize_t count =
        ::pread(file.get(), tail.data() + got, tail.size() - got, static_cast<off_t>(start + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed;
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  tail.resize(got);
  return tail;
}

/// The end of a file.
struct FileEnd {
  std::string line;  // the last complete line, without its line feed
  std::string torn;  // what follows it: a line without its line feed
};

base::Result<FileEnd> read_end(const std::filesystem::path& path) {
  for (std::uint64_t bytes = kFirstTailBytes;; bytes *= 4) {
    auto tail = read_tail(path, bytes);
    if (!tail) return tail.error();
    const std::string& text = tail.value();
    const bool all = text.size() < bytes;
    const std::size_t end = text.rfind('\n');
    if (end == std::string::npos) {
      if (all) return FileEnd{.line = {}, .torn = text};
      continue;
    }
    const std::size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    if (before == std::string::npos && !all) continue;
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return FileEnd{.line = text.substr(begin, end - begin), .torn = text.substr(end + 1)};
  }
}

std::optional<std::uint64_t> generation_of(std::string_view line) {
  const json record = json::parse(line, nullptr, false);
  if (!record.is_object()) return std::nullopt;
  const auto after = record.find("after");
  if (after == record.end() || !after->is_number_unsigned()) return std::nullopt;
  return after->get<std::uint64_t>();
}

/// The highest sequence number found in the names of the files and at the end of the log.
std::uint64_t highest_sequence(const std::filesystem::path& current) {
  std::uint64_t highest = 0;
  for (const auto& file : audit_files(current)) highest = std::max(highest, file.first_sequence);
  const auto tail = read_tail(current, kMaxReadBytes);
  std::string_view text = tail ? std::string_view(tail.value()) : std::string_view();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (const auto link = read_link(line)) highest = std::max(highest, link->sequence);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return highest;
}

/// Appends the records of `text` (complete lines), newest first. False: no older ones are wanted.
bool collect(std::string_view text, std::int64_t since, std::size_t limit, std::vector<json>& newest_first) {
  std::size_t end = text.size();
  while (end > 0) {
    if (newest_first.size() == limit) return false;
    const std::size_t newline = end >= 2 ? text.rfind('\n', end - 2) : std::string_view::npos;
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    json record = json::parse(text.substr(begin, end - begin), nullptr, false);
    end = begin;
    if (!record.is_object()) continue;  // damaged, or still being written: verify() reports it
    const auto time = record.find("unix_seconds");
    if (time != record.end() && time->is_number_integer() && time->get<std::int64_t>() < since) return false;
    newest_first.push_back(std::move(record));
  }
  return true;
}

}  // namespace

base::Error AuditLog::io_error(std::string_view action) const {
  return {"io", fmt::format("cannot {} audit log {}: {}", action, file_.string(), std::strerror(errno))};
}

base::Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& file,
                                                       AuditLimits limits) {
  std::unique_ptr<AuditLog> log(new AuditLog(file, limits));
  const std::lock_guard lock(log->mutex_);
  if (auto opened = log->open_file(); !opened) return opened.error();
  if (auto taken = log->take_up(); !taken) return taken.error();
  return log;
}

base::Status AuditLog::open_file() {
  descriptor_ =
      base::FileDescriptor(::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!descriptor_) return io_error("open");
  // The name of a new file must be as durable as its lines.
  if (!sync_directory(file_.parent_path())) return io_error("sync the directory of");
  return base::ok_status();
}

/// Finds the end of the chain: in the current file or, right after a rotation, in the previous one.
base::Status AuditLog::take_up() {
  auto end = read_end(file_);
  if (!end) return end.error();
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) return io_error("stat");
  bytes_ = static_cast<std::uint64_t>(status.st_size) - end.value().torn.size();
  std::string line = end.value().line;
  if (bytes_ == 0) {
    const auto all = audit_files(file_);
    if (all.size() >= 2) {
      auto before = read_end(all[all.size() - 2].path);
      if (!before) return before.error();
      line = before.value().line;
    }
  } else {
    first_sequence_ = storage::first_sequence(file_).value_or(0);
  }
  if (const auto link = read_link(line)) {
    last_ = *link;
    last_generation_ = generation_of(line);
  } else if (!line.empty()) {
    // Damaged. The next line refers to it as it is, so that it cannot be replaced unnoticed.
    last_ = {.sequence = highest_sequence(file_), .digest = sha256_hex(line)};
    first_sequence_ = first_sequence_ == 0 ? last_.sequence + 1 : first_sequence_;
  }
  // The first line is damaged. A file rotated under number 0 would not be found again.
  if (bytes_ != 0 && first_sequence_ == 0) first_sequence_ = last_.sequence;
  return end.value().torn.empty() ? base::ok_status() : heal(end.value().torn);
}

base::Status AuditLog::heal(std::string_view torn) {
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(bytes_)) != 0)
    return io_error("remove a torn line from");
  const std::int64_t now = base::unix_now();
  const json members{{"time", base::format_time(now)},
                     {"unix_seconds", now},
                     {"uid", nullptr},
                     {"method", "audit.heal"},
                     {"torn_bytes", torn.size()},
                     {"torn_sha256", sha256_hex(torn)},
                     {"before", last_generation_.value_or(0)},
                     {"after", last_generation_.value_or(0)},
                     {"active", false},
                     {"outcome", "ok"}};
  const std::string text = dump(members);
  if (auto written = write_members(text.substr(1, text.size() - 2)); !written) return written;
  if (::fdatasync(descriptor_.get()) != 0) return io_error("sync");
  return base::ok_status();
}

base::Status AuditLog::append(const AuditRecord& record) {
  const std::lock_guard lock(mutex_);
  if (auto written = write_record(record, left_out_); !written) return written;
  left_out_ = 0;
  if (::fdatasync(descriptor_.get()) != 0) return io_error("sync");
  return base::ok_status();
}

void AuditLog::append_refused(const AuditRecord& record) {
  const std::lock_guard lock(mutex_);
  if (!refused_limit_.take(std::chrono::steady_clock::now().time_since_epoch())) {
    ++left_out_;
    return;
  }
  if (write_record(record, left_out_)) left_out_ = 0;
}

base::Status AuditLog::write_record(const AuditRecord& record, std::uint64_t left_out) {
  const std::int64_t now = base::unix_now();
  json line{{"time", base::format_time(now)},
            {"unix_seconds", now},
            {"uid", record.uid ? json(*record.uid) : json(nullptr)},
            {"method", record.method},
            {"before", record.before_generation},
            {"after", record.after_generation},
            {"active", record.active},
            {"outcome", record.outcome}};
  if (!record.list.empty()) line["list"] = record.list;
  if (record.rule) line["rule"] = *record.rule;
  if (left_out != 0) line["refused_left_out"] = left_out;
  const std::string text = dump(line);
  auto written = write_members(text.substr(1, text.size() - 2));
  if (written) last_generation_ = record.after_generation;
  return written;
}

base::Status AuditLog::write_members(const std::string& members) {
  std::string line = chain_line(last_, members);
  if (bytes_ != 0 && bytes_ + line.size() > limits_.file_bytes) {
    if (auto rotated = rotate(); !rotated) return rotated;
  }
  if (!descriptor_) {
    if (auto opened = open_file(); !opened) return opened;
  }
  const ssize_t count = ::write(descriptor_.get(), line.data(), line.size());
  if (count != static_cast<ssize_t>(line.size())) {
    if (count >= 0) errno = ENOSPC;
    const base::Error error = io_error("write to");
    // The next line must not follow half a line.
    if (count > 0 && ::ftruncate(descriptor_.get(), static_cast<off_t>(bytes_)) != 0)
      return io_error("remove a torn line from");
    return error;
  }
  bytes_ += line.size();
  line.pop_back();
  last_ = {.sequence = last_.sequence + 1, .digest = sha256_hex(line)};
  if (first_sequence_ == 0) first_sequence_ = last_.sequence;
  return base::ok_status();
}

/// Continues the chain in a new file. If the daemon is killed in between, take_up() finds the end in the
/// renamed file.
base::Status AuditLog::rotate() {
  if (::fdatasync(descriptor_.get()) != 0) return io_error("sync");
  const auto full = rotated_name(file_, first_sequence_);
  if (::renameat2(AT_FDCWD, file_.c_str(), AT_FDCWD, full.c_str(), RENAME_NOREPLACE) != 0)
    return io_error("rotate");
  bytes_ = 0;
  first_sequence_ = 0;
  if (auto opened = open_file(); !opened) return opened;
  const auto all = audit_files(file_);
  for (std::size_t i = 0; i + limits_.files < all.size(); ++i) {
    std::error_code ignored;
    std::filesystem::remove(all[i].path, ignored);
  }
  return base::ok_status();
}

std::optional<std::uint64_t> AuditLog::last_generation() const {
  const std::lock_guard lock(mutex_);
  return last_generation_;
}

base::Result<json> AuditLog::read(std::int64_t since_unix_seconds, std::size_t limit) const {
  std::vector<json> newest_first;
  std::uint64_t budget = kMaxReadBytes;
  auto all = audit_files(file_);
  for (auto file = all.rbegin(); file != all.rend() && budget > 0; ++file) {
    auto tail = read_tail(file->path, budget);
    if (!tail) {
      if (file == all.rbegin()) return tail.error();
      break;  // deleted by a rotation meanwhile
    }
    std::string& text = tail.value();
    const bool cut = text.size() == budget;
    budget -= std::min<std::uint64_t>(budget, text.size());
    if (cut) text.erase(0, text.find('\n') + 1);
    text.resize(text.rfind('\n') + 1);
    if (!collect(text, since_unix_seconds, limit, newest_first)) break;
  }
  std::reverse(newest_first.begin(), newest_first.end());
  return json{{"records", newest_first}};
}

}  // namespace weir::storage
