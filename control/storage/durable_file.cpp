#include "control/storage/durable_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/storage/digest.h"
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

/// A regular file, open for reading.
struct RegularFile {
  FileRead::State state = FileRead::State::failed;
  FileDescriptor descriptor;
  std::size_t bytes = 0;
  base::Error error;
};

RegularFile open_regular(const std::filesystem::path& path) {
  RegularFile file;
  // O_NONBLOCK: opening a FIFO must not wait for a writer. Regular files are not affected.
  file.descriptor = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.descriptor) {
    const int error = errno;
    file.error = io_error("open", path, error);
    if (error != ENOENT) return file;
    file.error.code = "not_found";
    file.state = FileRead::State::not_found;
    return file;
  }
  struct stat status {};
  if (::fstat(file.descriptor.get(), &status) != 0) {
    file.error = io_error("stat", path, errno);
  } else if (!S_ISREG(status.st_mode)) {
    file.error = {"io", fmt::format("{}: not a regular file", path.string())};
  } else {
    file.bytes = static_cast<std::size_t>(status.st_size);
    file.state = FileRead::State::read;
  }
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

FileRead read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  using State = FileRead::State;
  const RegularFile file = open_regular(path);
  if (file.state != State::read) return {.state = file.state, .text = {}, .error = file.error};
  const auto too_large = [&] {
    return FileRead{.state = State::too_large,
                    .text = {},
                    .error = {"too_large", fmt::format("{}: larger than the limit of {} bytes", path.string(),
                                                       limit_bytes)}};
  };
  // Checked before memory is allocated: a sparse file can have any size.
  if (file.bytes > limit_bytes) return too_large();
  std::string text;
  text.resize(file.bytes + 1);
  std::size_t size = 0;
  while (true) {
    if (size > limit_bytes) return too_large();
    if (size == text.size()) text.resize(text.size() * 2);
    const ssize_t count = ::read(file.descriptor.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {.state = State::failed, .text = {}, .error = io_error("read", path, errno)};
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return {.state = State::read, .text = std::move(text), .error = {}};
}

base::Result<std::string> read_whole(const std::filesystem::path& path, std::size_t limit_bytes) {
  FileRead file = read_file(path, limit_bytes);
  if (file.state != FileRead::State::read) return std::move(file.error);
  return std::move(file.text);
}

base::Result<std::string> read_head(const std::filesystem::path& path, std::size_t bytes) {
  const RegularFile file = open_regular(path);
  if (file.state != FileRead::State::read) return file.error;
  std::string text(std::min(file.bytes, bytes), '\0');
  const ssize_t count = ::pread(file.descriptor.get(), text.data(), text.size(), 0);
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

std::string seal(std::string_view kind, std::string_view payload) {
  return fmt::format("weir {} {} {}\n", kind, payload.size(), content_digest(payload)).append(payload);
}

base::Result<std::string_view> unseal(std::string_view kind, std::string_view file) {
  const base::Error damaged{"damaged", fmt::format("not a complete {} file", kind)};
  const std::size_t line_end = file.substr(0, 256).find('\n');
  if (line_end == std::string_view::npos) return damaged;
  const std::string_view payload = file.substr(line_end + 1);
  const std::string expected = fmt::format("weir {} {} {}", kind, payload.size(), content_digest(payload));
  if (file.substr(0, line_end) != expected) return damaged;
  return payload;
}

}  // namespace weir::storage
