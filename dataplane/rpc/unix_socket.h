#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/result.h"

namespace weir::rpc {

/// The process at the other end, as of the time it connected: SO_PEERCRED and SO_PEERGROUPS.
struct Peer {
  unsigned uid = 0;
  unsigned gid = 0;
  int pid = 0;
  std::vector<unsigned> groups;  // supplementary
};

/// A listening socket and its file. The destructor removes the file, unless another process replaced it.
class Listener {
 public:
  /// The directory must exist. A stale socket file is replaced. Error codes: path_too_long, no_directory,
  /// address_in_use (another process listens there), not_a_socket, permission_denied, socket.
  static base::Result<Listener> open(const std::string& path, unsigned file_mode);

  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  [[nodiscard]] int get() const noexcept { return socket_.get(); }

 private:
  Listener(base::FileDescriptor socket, std::string path, dev_t device, ino_t inode)
      : socket_(std::move(socket)), path_(std::move(path)), device_(device), inode_(inode) {}

  base::FileDescriptor socket_;
  std::string path_;
  dev_t device_;
  ino_t inode_;
};

/// Most descriptors accepted with one request; further ones are closed.
inline constexpr std::size_t kMaxDescriptors = 4;

/// The result of one recvmsg.
struct Received {
  ssize_t bytes = 0;  // 0: end of stream; -1: see errno
  std::vector<base::FileDescriptor> descriptors;
};

/// One non-blocking recvmsg; the descriptors are close-on-exec.
Received receive(int socket, std::span<char> buffer);

/// One non-blocking sendmsg without SIGPIPE. Sends at most kMaxDescriptors `descriptors` along. Returns the
/// same as send(2).
ssize_t send_some(int socket, std::string_view bytes, std::span<const int> descriptors = {});

Peer peer_of(int socket);

/// Connects a non-blocking socket to `path`; none: the server's queue is full, try again. Error codes:
/// path_too_long, not_running, permission_denied, socket.
base::Result<std::optional<base::FileDescriptor>> connect_to(const std::string& path);

}  // namespace weir::rpc
