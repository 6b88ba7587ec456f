#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "dataplane/engine/process/privileges.h"

namespace weir::engine {
namespace {

/// The system calls of a running dataplane, by purpose. A name that this kernel or libseccomp lacks is no
/// error: the C library chooses between several calls for the same purpose.
constexpr auto kAllowed = std::to_array<const char*>({
    // clients of the socket, the service manager, drivers that send packets through sockets
    "accept",
    "accept4",
    "bind",
    "close",
    "connect",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "fcntl",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "poll",
    "ppoll",
    "pselect6",
    "read",
    "readv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "select",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "write",
    "writev",
    // snapshots and other files
    "fstat",
    "getdents64",
    "lseek",
    "newfstatat",
    "pread64",
    "preadv",
    "pwrite64",
    "readlink",
    "readlinkat",
    "stat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "flock",
    "ftruncate",
    // memory
    "brk",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "munmap",
    // threads, time, signals
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "eventfd2",
    "exit",
    "exit_group",
    "futex",
    "getcpu",
    "getpid",
    "getppid",
    "gettid",
    "gettimeofday",
    "membarrier",
    "nanosleep",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
    "tgkill",
    "time",
    "timerfd_create",
    "timerfd_settime",
    // sanitizers probe memory with a pipe
    "pipe",
    "pipe2",
    // queries of the C library and DPDK about the process and the machine
    "getegid",
    "geteuid",
    "getgid",
    "getrandom",
    "getrlimit",
    "getrusage",
    "getuid",
    "prctl",
    "capset",
    "prlimit64",
    "sysinfo",
    "uname",
    // links and devices
    "ioctl",
    // removing the socket and run-time files at the end
    "rmdir",
    "unlink",
    "unlinkat",
});

struct Release {
  void operator()(void* context) const noexcept { seccomp_release(context); }
};

int allow(scmp_filter_ctx context, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
}

/// Allows a call only with certain values of one argument.
int allow_with(scmp_filter_ctx context, const char* name, const scmp_arg_cmp& condition) {
  const int number = seccomp_syscall_resolve_name(name);
  return number == __NR_SCMP_ERROR ? 0
                                   : seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 1, &condition);
}

int masked(scmp_filter_ctx context, const char* name, unsigned argument, scmp_datum_t mask,
           scmp_datum_t value) {
  return allow_with(context, name,
                    {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value});
}

int equal(scmp_filter_ctx context, const char* name, unsigned argument, scmp_datum_t value) {
  return allow_with(context, name, {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0});
}

int add_rules(scmp_filter_ctx context) {
  for (const char* name : kAllowed) {
    if (const int failed = allow(context, name); failed != 0) return failed;
  }
  const int results[] = {
      // Files are opened for reading only; no memory is made executable.
      masked(context, "open", 1, O_ACCMODE, O_RDONLY),
      masked(context, "openat", 2, O_ACCMODE, O_RDONLY),
      masked(context, "mmap", 2, PROT_EXEC, 0),
      masked(context, "mprotect", 2, PROT_EXEC, 0),
      // The service manager; queries about interfaces, which need any socket; routes and filters.
      equal(context, "socket", 0, AF_UNIX),
      equal(context, "socket", 0, AF_INET),
      equal(context, "socket", 0, AF_NETLINK),
  };
  for (const int failed : results) {
    if (failed != 0) return failed;
  }
  return 0;
}

}  // namespace

base::Status filter_system_calls() {
  const auto error = [](const char* what, int number) {
    return base::Error{.code = "privileges_failed",
                       .message = fmt::format(
                           "cannot install the system call filter: {}: {} (dataplane.seccomp: false turns it "
                           "off)",
                           what, std::strerror(-number))};
  };
  // The caller gets an error and is not killed: a forgotten call must not take the wire down.
  const std::unique_ptr<void, Release> context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return error("seccomp_init", -ENOMEM);
  if (const int failed = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_TSYNC, 1); failed != 0) {
    return error("threads", failed);
  }
  if (const int failed = add_rules(context.get()); failed != 0) return error("rules", failed);
  if (const int failed = seccomp_load(context.get()); failed != 0) return error("seccomp_load", failed);
  return base::ok_status();
}

}  // namespace weir::engine
