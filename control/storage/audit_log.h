#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "control/storage/audit_chain.h"
#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/rate_limit.h"
#include "dataplane/base/result.h"

namespace weir::storage {

/// A change, or a refused attempt at one. Names entries by rule id, never by their text.
struct AuditRecord {
  std::optional<std::uint32_t> uid;  // none: the daemon itself (feed, expiry)
  std::string method;
  std::string list;
  std::optional<std::uint32_t> rule;
  std::uint64_t before_generation = 0;
  std::uint64_t after_generation = 0;
  bool active = false;
  std::string outcome;  // "ok" or an error code
};

struct AuditLimits {
  std::uint64_t file_bytes = std::uint64_t{16} << 20;  // rotate before a file grows beyond this
  std::size_t files = 10;                              // kept in total, with the current one
};

/// An append-only log of JSON lines in a hash chain (audit_chain.h). Mode 0600, rotated by size. Thread-safe.
class AuditLog {
 public:
  /// Opens the log and continues at its end. A last line that a crash cut short was never acknowledged: it is
  /// removed, and a record `audit.heal` states its size and digest. Error code: io.
  static base::Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& file,
                                                      AuditLimits limits = {});

  /// Records a change. The record is on disk when this returns.
  base::Status append(const AuditRecord& record);
  /// Records a refused call. Does not wait for the disk, and drops records above a rate limit, so that a
  /// caller without permission can neither fill the disk nor slow the daemon down. The next record states how
  /// many were dropped.
  void append_refused(const AuditRecord& record);

  /// The newest `limit` records at or after `since_unix_seconds`, oldest first, across all files. Reads at
  /// most the last 4 MiB.
  [[nodiscard]] base::Result<nlohmann::json> read(std::int64_t since_unix_seconds, std::size_t limit) const;
  /// Checks the chain across all files. Other threads may write meanwhile.
  [[nodiscard]] base::Result<ChainReport> verify() const { return verify_chain(file_); }

  /// The generation after the last recorded change. None if the log is empty.
  [[nodiscard]] std::optional<std::uint64_t> last_generation() const;

 private:
  AuditLog(std::filesystem::path file, AuditLimits limits) : file_(std::move(file)), limits_(limits) {}
  [[nodiscard]] base::Error io_error(std::string_view action) const;
  base::Status open_file();
  base::Status take_up();
  base::Status heal(std::string_view torn);
  base::Status write_record(const AuditRecord& record, std::uint64_t left_out);
  base::Status write_members(const std::string& members);
  base::Status rotate();

  static constexpr unsigned kRefusedPerSecond = 10;

  const std::filesystem::path file_;
  const AuditLimits limits_;
  mutable std::mutex mutex_;  // guards what follows
  base::FileDescriptor descriptor_;
  std::uint64_t bytes_ = 0;           // of complete lines in the current file
  std::uint64_t first_sequence_ = 0;  // in the current file; 0: it is empty
  ChainLink last_;
  std::optional<std::uint64_t> last_generation_;
  base::RateLimit refused_limit_{kRefusedPerSecond, kRefusedPerSecond};
  std::uint64_t left_out_ = 0;
};

}  // namespace weir::storage
