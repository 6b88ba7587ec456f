#include "control/audit_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "control/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr unsigned kRefusedEachSecond = 10;
constexpr off_t kMaxTailBytes = off_t{4} << 20;

base::Error io_error(const std::filesystem::path& file) {
  return {"io", fmt::format("audit log {}: {}", file.string(), std::strerror(errno))};
}

}  // namespace

base::Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& file) {
  rpc::FileDescriptor descriptor(
      ::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!descriptor) return io_error(file);
  // A line that a crash cut short is ended, so that the next one stands alone.
  struct stat status {};
  char last = '\n';
  if (::fstat(descriptor.get(), &status) != 0) return io_error(file);
  if (status.st_size > 0 && ::pread(descriptor.get(), &last, 1, status.st_size - 1) == 1 && last != '\n' &&
      ::write(descriptor.get(), "\n", 1) != 1) {
    return io_error(file);
  }
  return std::unique_ptr<AuditLog>(new AuditLog(file, std::move(descriptor)));
}

base::Status AuditLog::append(const AuditRecord& record) {
  const std::lock_guard lock(mutex_);
  if (auto written = write_line(record, 0); !written) return written;
  if (::fdatasync(descriptor_.get()) != 0) return io_error(file_);
  return base::ok_status();
}

void AuditLog::append_refused(const AuditRecord& record) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = unix_now();
  if (now != refused_second_) {
    refused_second_ = now;
    refused_in_second_ = 0;
  }
  if (++refused_in_second_ > kRefusedEachSecond) {
    ++left_out_;
    return;
  }
  if (write_line(record, left_out_)) left_out_ = 0;
}

base::Status AuditLog::write_line(const AuditRecord& record, std::uint64_t left_out) {
  const std::int64_t now = unix_now();
  json line{{"time", format_time(now)},
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
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (::write(descriptor_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return io_error(file_);
  return base::ok_status();
}

base::Result<json> AuditLog::read(std::int64_t since_unix_seconds, std::size_t limit) const {
  const rpc::FileDescriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return io_error(file_);
  const off_t start = std::max<off_t>(0, status.st_size - kMaxTailBytes);
  std::string tail(static_cast<std::size_t>(status.st_size - start), '\0');
  const ssize_t count = ::pread(file.get(), tail.data(), tail.size(), start);
  if (count < 0) return io_error(file_);
  tail.resize(static_cast<std::size_t>(count));
  if (start != 0) tail.erase(0, tail.find('\n') + 1);
  std::vector<json> newest_first;
  std::size_t end = tail.size();
  while (end > 0 && newest_first.size() < limit) {
    const std::size_t newline = end >= 2 ? tail.rfind('\n', end - 2) : std::string::npos;
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    json record = json::parse(tail.begin() + static_cast<std::ptrdiff_t>(begin),
                              tail.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    end = begin;
    if (!record.is_object()) continue;  // cut short by a crash
    const auto time = record.find("unix_seconds");
    if (time != record.end() && time->is_number_integer() && time->get<std::int64_t>() < since_unix_seconds)
      break;
    newest_first.push_back(std::move(record));
  }
  std::reverse(newest_first.begin(), newest_first.end());
  return json{{"records", newest_first}};
}

}  // namespace weir::control
