#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "rpc/file_descriptor.h"

namespace weir::control {

/// One change, or refused attempt at one. Entries stand in it by rule id, never by their text.
struct AuditRecord {
  std::optional<std::uint32_t> uid;  // none: the daemon itself (a feed, an expiry)
  std::string method;
  std::string list;
  std::optional<std::uint32_t> rule;
  std::uint64_t before_generation = 0;
  std::uint64_t after_generation = 0;
  bool active = false;
  std::string outcome;  // "ok" or an error code
};

/// Append-only JSON lines, mode 0600. Any thread.
class AuditLog {
 public:
  static base::Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& file);

  /// A change: on disk when this returns.
  base::Status append(const AuditRecord& record);
  /// A refused call: written without waiting for the disk, and of a flood of them only some a second, so that
  /// a caller without rights can neither fill the disk nor slow anything; the next line says how many were
  /// left out.
  void append_refused(const AuditRecord& record);

  /// The newest `limit` records at or after `since_unix_seconds`, oldest first; looks at the last few
  /// megabytes.
  [[nodiscard]] base::Result<nlohmann::json> read(std::int64_t since_unix_seconds, std::size_t limit) const;

 private:
  explicit AuditLog(std::filesystem::path file, rpc::FileDescriptor descriptor)
      : file_(std::move(file)), descriptor_(std::move(descriptor)) {}
  base::Status write_line(const AuditRecord& record, std::uint64_t left_out);

  const std::filesystem::path file_;
  std::mutex mutex_;  // guards what follows
  rpc::FileDescriptor descriptor_;
  std::int64_t refused_second_ = 0;
  unsigned refused_in_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace weir::control
