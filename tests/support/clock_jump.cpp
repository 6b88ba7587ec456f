// Loaded into a program by LD_PRELOAD: shifts its wall clock by the number of seconds in the first eight
// bytes of the file $WEIR_CLOCK_FILE, read anew at every call. Monotonic clocks are unchanged, as with
// settimeofday.

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

volatile const std::int64_t* jump_seconds = nullptr;

[[gnu::constructor]] void open_file() {
  const char* const file = std::getenv("WEIR_CLOCK_FILE");
  const int descriptor = file != nullptr ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void* const page = mmap(nullptr, sizeof(*jump_seconds), PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (page != MAP_FAILED) jump_seconds = static_cast<const std::int64_t*>(page);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  const bool jumps = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && jumps && jump_seconds != nullptr) time->tv_sec += *jump_seconds;
  return result;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}
}
