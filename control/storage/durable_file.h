#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "dataplane/base/result.h"

namespace weir::storage {

/// Writes `bytes` to `path` such that after a crash at any instant the path holds either the old bytes or the
/// new ones: temporary file in the same directory, fsync, rename, fsync of the directory. Error code: io.
base::Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes, mode_t mode);
base::Status write_durably(const std::filesystem::path& path, std::string_view text, mode_t mode);

/// The result of reading a file.
struct FileRead {
  enum class State : std::uint8_t { read, not_found, too_large, failed };
  State state = State::failed;
  std::string text;   // with `read`
  base::Error error;  // otherwise; its code is not_found, too_large or io
};
/// Reads a whole regular file of at most `limit_bytes`.
FileRead read_file(const std::filesystem::path& path, std::size_t limit_bytes);
/// The same for callers that treat every failure alike. Error codes: io, not_found, too_large.
base::Result<std::string> read_whole(const std::filesystem::path& path, std::size_t limit_bytes);

/// The first bytes of a regular file, at most `bytes`. Error codes: io, not_found.
base::Result<std::string> read_head(const std::filesystem::path& path, std::size_t bytes);

/// Removes the temporary files that an interrupted write_durably() left in `directory`.
void remove_temporaries(const std::filesystem::path& directory);

/// Makes changes to the names in a directory durable. Error code: io.
base::Status sync_directory(const std::filesystem::path& directory);

/// Creates the directory with `mode`, and its parents. An existing directory keeps its mode. Error code: io.
base::Status make_directory(const std::filesystem::path& path, mode_t mode);

/// A sealed file is a line `weir KIND BYTES XXH3-128`, then that many bytes. A file that was cut short,
/// extended or changed does not unseal.
std::string seal(std::string_view kind, std::string_view payload);
/// The payload, a view into `file`. Error code: damaged.
base::Result<std::string_view> unseal(std::string_view kind, std::string_view file);

}  // namespace weir::storage
