#include "dataplane/engine/process/privileges.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::engine {
namespace {

base::Error failure(const char* what, int error) {
  return base::Error{.code = "privileges_failed",
                     .message = fmt::format("cannot give up privileges: {}: {}", what, std::strerror(error))};
}

/// Sets all three capability sets of the calling thread, the inheritable one to none.
int set_capabilities(std::uint64_t keep) noexcept {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; ++i) {
    data[i].permitted = data[i].effective = static_cast<std::uint32_t>(keep >> (32 * i));
  }
  return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

std::uint64_t permitted_capabilities() noexcept {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return 0;
  return std::uint64_t{data[1].permitted} << 32 | data[0].permitted;
}

void lock_memory() {
  const rlimit none{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  rlimit now{};
  // If a limit stayed, a later mapping, such as the next snapshot, would fail because of the lock.
  const bool unlimited = setrlimit(RLIMIT_MEMLOCK, &none) == 0 ||
                         (getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_cur == RLIM_INFINITY);
  // Pages are locked when they are first used: memory that DPDK only reserves costs nothing.
  if (!unlimited || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    spdlog::info(
        "memory is not locked: RLIMIT_MEMLOCK cannot be raised (set LimitMEMLOCK=infinity in the systemd "
        "unit)");
  }
}

base::Status become(const std::string& user) {
  const auto ids = find_user(user);
  if (!ids) return ids.error();
  if (geteuid() == ids.value().uid) return base::ok_status();
  if (geteuid() != 0) return failure(fmt::format("only root can become {}", user).c_str(), EPERM);
  // For this thread only: the others lose all capabilities with the change of user.
  if (prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) != 0) return failure("PR_SET_KEEPCAPS", errno);
  if (initgroups(user.c_str(), ids.value().gid) != 0) return failure("groups", errno);
  if (setresgid(ids.value().gid, ids.value().gid, ids.value().gid) != 0) return failure("group", errno);
  if (setresuid(ids.value().uid, ids.value().uid, ids.value().uid) != 0) return failure("user", errno);
  return base::ok_status();
}

}  // namespace

base::Result<UserIds> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(16384);
  const int error = getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
  if (found == nullptr) {
    return base::Error{.code = "no_user",
                       .message = fmt::format("dataplane.user: there is no user {}{}", name,
                                              error == 0 ? "" : fmt::format(" ({})", std::strerror(error)))};
  }
  return UserIds{.uid = entry.pw_uid, .gid = entry.pw_gid};
}

void drop_thread_capabilities() noexcept { static_cast<void>(set_capabilities(0)); }

base::Status drop_privileges(const PrivilegePlan& plan) {
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return failure("RLIMIT_CORE", errno);
  if (plan.lock_memory) lock_memory();
  if (!plan.user.empty()) {
    if (auto became = become(plan.user); !became) return became;
  }
  // A process that stays root keeps its access to files.
  if (geteuid() != 0) {
    const std::uint64_t net_admin = std::uint64_t{1} << CAP_NET_ADMIN;
    const std::uint64_t keep = plan.keep_net_admin ? permitted_capabilities() & net_admin : 0;
    prctl(PR_CAP_AMBIENT, static_cast<unsigned long>(PR_CAP_AMBIENT_CLEAR_ALL), 0UL, 0UL, 0UL);
    if (const int error = set_capabilities(keep); error != 0) return failure("capabilities", error);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return failure("PR_SET_NO_NEW_PRIVS", errno);
  // After setresuid, which resets it.
  if (prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0) return failure("PR_SET_DUMPABLE", errno);
  return plan.filter_system_calls ? filter_system_calls() : base::ok_status();
}

}  // namespace weir::engine
