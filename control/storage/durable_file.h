#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "dataplane/base/result.h"

namespace weir::storage {

/// Puts `bytes` at `path` so that after a crash at any instant the path holds the old bytes or the new ones:
/// temporary file beside it, fsync, rename, fsync of the directory. Error code: io.
base::Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes, mode_t mode);
base::Status write_durably(const std::filesystem::path& path, std::string_view text, mode_t mode);

/// The whole of a regular file of at most `limit_bytes`. Error codes: io, not_found, too_large.
base::Result<std::string> read_whole(const std::filesystem::path& path, std::size_t limit_bytes);

/// The first bytes of a regular file, `bytes` at most. Error codes: as read_whole.
base::Result<std::string> read_head(const std::filesystem::path& path, std::size_t bytes);

/// Removes what write_durably() left in `directory` when it was killed.
void remove_temporaries(const std::filesystem::path& directory);

/// Makes names in a directory durable. Error code: io.
base::Status sync_directory(const std::filesystem::path& directory);

/// Makes the directory (and its parents) with `mode` unless it is there; an existing one keeps its mode.
base::Status make_directory(const std::filesystem::path& path, mode_t mode);

/// A sealed file is a line `weir KIND BYTES XXH3-128` and that many bytes: cut short, grown or changed, it is
/// not taken for good. Error codes of unseal: damaged.
std::string seal(std::string_view kind, std::string_view payload);
/// The payload, a view into `file`.
base::Result<std::string_view> unseal(std::string_view kind, std::string_view file);

/// XXH3-128 in hexadecimal: tells contents apart, no protection against forgery.
std::string digest(std::string_view bytes);

}  // namespace weir::storage
