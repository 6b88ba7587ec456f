#include "dataplane/engine/snapshots/snapshot_memory.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::engine {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::size_t round_up(std::size_t value, std::size_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

base::Error load_error(std::string code, std::string message) {
  return base::Error{.code = std::move(code), .message = std::move(message)};
}

void* map(std::size_t bytes, int flags) noexcept {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

}  // namespace

SnapshotMemory::SnapshotMemory(SnapshotMemory&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

SnapshotMemory& SnapshotMemory::operator=(SnapshotMemory&& other) noexcept {
  std::swap(start_, other.start_);
  std::swap(size_, other.size_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  return *this;
}

SnapshotMemory::~SnapshotMemory() {
  if (start_ != nullptr) munmap(start_, mapped_bytes_);
}

base::Result<SnapshotMemory> SnapshotMemory::allocate(std::size_t bytes) {
  SnapshotMemory memory;
  void* start = MAP_FAILED;
  if (bytes >= kHugePageBytes) {
    // Reserved huge pages avoid most TLB misses of lookups. mmap fails at once if none is free.
    memory.mapped_bytes_ = round_up(bytes, kHugePageBytes);
    start = map(memory.mapped_bytes_, MAP_HUGETLB | (21 << MAP_HUGE_SHIFT));
  }
  if (start == MAP_FAILED) {
    memory.mapped_bytes_ = round_up(bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
    start = map(memory.mapped_bytes_, 0);
    // Transparent huge pages if the system has them; not required.
    if (start != MAP_FAILED) static_cast<void>(madvise(start, memory.mapped_bytes_, MADV_HUGEPAGE));
  }
  if (start == MAP_FAILED) {
    return load_error("snapshot_too_large", fmt::format("not enough memory for a snapshot of {} bytes: {}",
                                                        bytes, std::strerror(errno)));
  }
  memory.start_ = static_cast<std::byte*>(start);
  memory.size_ = bytes;
  static_cast<void>(madvise(start, memory.mapped_bytes_, MADV_DONTDUMP));
  return memory;
}

base::Status SnapshotMemory::fill(int descriptor) {
  std::size_t done = 0;
  while (done < size_) {
    const ssize_t got = pread(descriptor, start_ + done, size_ - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return load_error("snapshot_unreadable", fmt::format("cannot read: {}", std::strerror(errno)));
    if (got == 0) {
      return load_error("snapshot_truncated",
                        fmt::format("ends after {} of {} bytes: it was cut while it was read", done, size_));
    }
    done += static_cast<std::size_t>(got);
  }
  static_cast<void>(mprotect(start_, mapped_bytes_, PROT_READ));
  return base::ok_status();
}

base::Result<SnapshotMemory> SnapshotMemory::copy_from(int descriptor, std::size_t limit_bytes) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    return load_error("snapshot_unreadable",
                      fmt::format("cannot get the size of the file: {}", std::strerror(errno)));
  }
  // Reading a pipe or a terminal could block for ever.
  if (!S_ISREG(status.st_mode)) return load_error("snapshot_unreadable", "not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return load_error("snapshot_truncated", "the file is empty");
  if (size > limit_bytes) {
    return load_error("snapshot_too_large", fmt::format("{} bytes, the limit is {}", size, limit_bytes));
  }
  auto memory = allocate(size);
  if (!memory) return memory;
  if (const auto filled = memory.value().fill(descriptor); !filled) return filled.error();
  return memory;
}

base::Result<std::unique_ptr<const Snapshot>> Snapshot::load(int descriptor, std::size_t limit_bytes) {
  auto copy = SnapshotMemory::copy_from(descriptor, limit_bytes);
  if (!copy) return copy.error();
  auto memory = std::make_shared<const SnapshotMemory>(std::move(copy).value());
  auto view = match::SnapshotView::open(memory->bytes());
  if (!view) return view.error();
  Snapshot snapshot{.whole = nullptr, .overlay = nullptr, .view = view.value()};
  (snapshot.view.is_overlay() ? snapshot.overlay : snapshot.whole) = std::move(memory);
  return std::unique_ptr<const Snapshot>(std::make_unique<Snapshot>(std::move(snapshot)));
}

base::Result<std::unique_ptr<const Snapshot>> Snapshot::join(const Snapshot& base, const Snapshot& overlay) {
  auto view = match::SnapshotView::join(base.view, overlay.view);
  if (!view) return view.error();
  return std::unique_ptr<const Snapshot>(std::make_unique<Snapshot>(
      Snapshot{.whole = base.whole, .overlay = overlay.overlay, .view = view.value()}));
}

}  // namespace weir::engine
