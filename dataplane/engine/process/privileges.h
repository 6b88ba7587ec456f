#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// What the process keeps once its ports are open.
struct PrivilegePlan {
  std::string user;             // to become; empty: stay
  bool keep_net_admin = false;  // CAP_NET_ADMIN, for devices that sit on the kernel's interfaces
  bool filter_system_calls = true;
  bool lock_memory = true;
};

/// A user and its group, as the system knows them. Error code: no_user.
struct UserIds {
  unsigned uid = 0;
  unsigned gid = 0;
};
base::Result<UserIds> find_user(const std::string& name);

/// Gives up what is not needed to forward packets and answer the socket: no core dump and no debugger (the
/// memory holds the list and traffic of subscribers), memory that is not swapped out where the limit can be
/// raised, another user with its groups, all capabilities but those of the plan, no new privileges by
/// execve, and a system call filter for every thread. Once, before packets flow. Error code:
/// privileges_failed.
base::Status drop_privileges(const PrivilegePlan& plan);

/// The calling thread's capabilities, all of them: capabilities belong to threads, and only the main one
/// needs any.
void drop_thread_capabilities() noexcept;

/// Every thread of the process gets EPERM for system calls that a running dataplane does not make; files are
/// opened for reading only, no memory becomes executable, no program is started. Error code:
/// privileges_failed.
base::Status filter_system_calls();

}  // namespace weir::engine
