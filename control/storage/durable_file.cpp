#include "control/storage/durable_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "dataplane/base/file_descriptor.h"

namespace weir::storage {
namespace {

using base::FileDescriptor;

constexpr std::string_view kTemporarySuffix = ".tmp";

base::Error io_error(std::string_view action, const std::filesystem::path& path, int error) {
  return {"io", fmt::format("cannot {} {}: {}", action, path.string(), std::strerror(error))};
}

base::Status write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return io_error("write", path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return base::ok_status();
}

/// A regular file, open for reading, and its size.
base::Result<FileDescriptor> open_regular(const std::filesystem::path& path, std::size_t& size) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; regular files do not care.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    base::Error error = io_error("open", path, errno);
    if (errno == ENOENT) error.code = "not_found";
    return error;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return io_error("stat", path, errno);
  if (!S_ISREG(status.st_mode)) return base::Error{"io", fmt::format("{}: not a file", path.string())};
  size = static_cast<std::size_t>(status.st_size);
  return file;
}

}  // namespace

base::Status sync_directory(const std::filesystem::path& directory) {
  const auto path = directory.empty() ? std::filesystem::path(".") : directory;
  const FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor || ::fsync(descriptor.get()) != 0) return io_error("sync directory", directory, errno);
  return base::ok_status();
}

base::Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes, mode_t mode) {
  std::filesystem::path temporary = path;
  temporary += kTemporarySuffix;
  {
    const FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return io_error("create", temporary, errno);
    if (::fchmod(file.get(), mode) != 0) return io_error("set the mode of", temporary, errno);
    base::Status status = write_all(file.get(), bytes, temporary);
    if (status && ::fsync(file.get()) != 0) status = io_error("sync", temporary, errno);
    if (!status) {
      ::unlink(temporary.c_str());
      return status;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return io_error("rename to", path, error);
  }
  return sync_directory(path.parent_path());
}

base::Status write_durably(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  return write_durably(path, std::as_bytes(std::span(text.data(), text.size())), mode);
}

base::Result<std::string> read_whole(const std::filesystem::path& path, std::size_t limit_bytes) {
  std::size_t expected = 0;
  const auto opened = open_regular(path, expected);
  if (!opened) return opened.error();
  const FileDescriptor& file = opened.value();
  const base::Error too_large{
      "too_large", fmt::format("{}: larger than the limit of {} bytes", path.string(), limit_bytes)};
  // Before room is made for it: a file of holes has any size.
  if (expected > limit_bytes) return too_large;
  std::string text;
  text.resize(expected + 1);
  std::size_t size = 0;
  while (true) {
    if (size > limit_bytes) return too_large;
    if (size == text.size()) text.resize(text.size() * 2);
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("read", path, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

base::Result<std::string> read_head(const std::filesystem::path& path, std::size_t bytes) {
  std::size_t size = 0;
  const auto file = open_regular(path, size);
  if (!file) return file.error();
  std::string text(std::min(size, bytes), '\0');
  const ssize_t count = ::pread(file.value().get(), text.data(), text.size(), 0);
  if (count < 0) return io_error("read", path, errno);
  text.resize(static_cast<std::size_t>(count));
  return text;
}

void remove_temporaries(const std::filesystem::path& directory) {
  std::error_code ignored;
  std::filesystem::directory_iterator entries(directory, ignored);
  if (ignored) return;
  for (const auto& entry : entries) {
    if (entry.path().extension() == kTemporarySuffix) std::filesystem::remove(entry.path(), ignored);
  }
}

base::Status make_directory(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return base::ok_status();
  if (errno == ENOENT && path.has_parent_path() && path.parent_path() != path) {
    if (auto parent = make_directory(path.parent_path(), 0755); !parent) return parent;
    if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return base::ok_status();
  }
  return io_error("make directory", path, errno);
}

std::string digest(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string seal(std::string_view kind, std::string_view payload) {
  return fmt::format("weir {} {} {}\n", kind, payload.size(), digest(payload)).append(payload);
}

base::Result<std::string_view> unseal(std::string_view kind, std::string_view file) {
  const base::Error damaged{"damaged", fmt::format("not a whole {} file", kind)};
  const std::size_t line_end = file.substr(0, 256).find('\n');
  if (line_end == std::string_view::npos) return damaged;
  const std::string_view payload = file.substr(line_end + 1);
  const std::string expected = fmt::format("weir {} {} {}", kind, payload.size(), digest(payload));
  if (file.substr(0, line_end) != expected) return damaged;
  return payload;
}

}  // namespace weir::storage
