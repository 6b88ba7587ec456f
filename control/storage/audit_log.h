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
#include "dataplane/base/result.h"

namespace weir::storage {

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

struct AuditLimits {
  std::uint64_t file_bytes = std::uint64_t{16} << 20;  // a file that would become larger is rotated
  std::size_t files = 10;                              // the newest are kept, the current one among them
};

/// Append-only JSON lines in a chain (files/audit_chain.h), mode 0600, rotated by size. Any thread.
class AuditLog {
 public:
  /// Goes on where the log ends. A last line that a crash cut short was never acknowledged: it is taken off,
  /// and a record `audit.heal` says how many bytes it had and their digest. Error code: io.
  static base::Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& file,
                                                      AuditLimits limits = {});

  /// A change: on disk when this returns.
  base::Status append(const AuditRecord& record);
  /// A refused call: written without waiting for the disk, and of a flood of them only some a second, so that
  /// a caller without rights can neither fill the disk nor slow anything; the next line says how many were
  /// left out.
  void append_refused(const AuditRecord& record);

  /// The newest `limit` records at or after `since_unix_seconds`, oldest first, over all files; looks at the
  /// last few megabytes.
  [[nodiscard]] base::Result<nlohmann::json> read(std::int64_t since_unix_seconds, std::size_t limit) const;
  /// Follows the chain over all files; other threads may go on writing.
  [[nodiscard]] base::Result<storage::ChainReport> verify() const { return storage::verify_chain(file_); }

  /// The generation after the last change that is in the log; none in an empty one.
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

  const std::filesystem::path file_;
  const AuditLimits limits_;
  mutable std::mutex mutex_;  // guards what follows
  base::FileDescriptor descriptor_;
  std::uint64_t bytes_ = 0;           // of whole lines in the current file
  std::uint64_t first_sequence_ = 0;  // of the current file; 0: it is empty
  storage::ChainLink last_;
  std::optional<std::uint64_t> last_generation_;
  std::int64_t refused_second_ = 0;
  unsigned refused_in_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace weir::storage
