#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// What the process keeps once its ports are open.
struct PrivilegePlan {
  std::string user;             // switch to this user; empty: do not switch
  bool keep_net_admin = false;  // CAP_NET_ADMIN, for devices that use kernel interfaces
  bool filter_system_calls = true;
  bool lock_memory = true;
};

/// A user and its primary group. Error code: no_user.
struct UserIds {
  unsigned uid = 0;
  unsigned gid = 0;
};
base::Result<UserIds> find_user(const std::string& name);

/// Gives up every privilege that is not needed to forward packets and to serve the socket. Afterwards the
/// process has:
///   no core dumps and no debugger: its memory holds the list and traffic of subscribers
///   no swapped memory, if the limit for locked memory can be raised
///   the user and the groups of the plan, and only the plan's capabilities
///   no way to gain privileges by execve
///   a system call filter for every thread
/// Call it once, before packets flow. Error codes: privileges_failed, no_user.
base::Status drop_privileges(const PrivilegePlan& plan);

/// Gives up all capabilities of the calling thread. Capabilities belong to threads, and only the main thread
/// needs any.
void drop_thread_capabilities() noexcept;

/// From now on, every thread gets EPERM for system calls that a running dataplane does not make. Files can be
/// opened for reading only, no memory can be made executable, no program can be started. Error code:
/// privileges_failed.
base::Status filter_system_calls();

}  // namespace weir::engine
