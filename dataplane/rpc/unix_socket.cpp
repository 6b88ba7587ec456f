#include "dataplane/rpc/unix_socket.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir::rpc {
namespace {

constexpr int kBacklog = 128;

std::string reason(int error_number) { return std::generic_category().message(error_number); }

base::Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos) {
    return base::Error{"path_too_long", fmt::format("socket path '{}': expected 1 to {} bytes without NUL",
                                                    path, sizeof(address.sun_path) - 1)};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The sockets interface wants the generic type.
const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

base::Result<base::FileDescriptor> stream_socket() {
  base::FileDescriptor result(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result) return base::Error{"socket", "cannot make a Unix socket: " + reason(errno)};
  return result;
}

// Holds the directory's lock while a socket is set up, so that two servers that start at once cannot each
// take the other's fresh socket for a stale one.
base::Result<base::FileDescriptor> lock_directory(const std::filesystem::path& directory) {
  base::FileDescriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) {
    const int error_number = errno;
    const bool missing = error_number == ENOENT || error_number == ENOTDIR;
    return base::Error{
        missing ? "no_directory" : "permission_denied",
        fmt::format("directory '{}' for the socket: {}; create it and let this user write in it",
                    directory.string(), reason(error_number))};
  }
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return base::Error{"address_in_use",
                     fmt::format("directory '{}' stays locked by another process", directory.string())};
}

// Removes what an earlier server left at `path`; refuses what is in use or no socket.
base::Status clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return base::ok_status();
    return base::Error{"socket", fmt::format("socket '{}': {}", path, reason(errno))};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return base::Error{"not_a_socket",
                       fmt::format("'{}' exists and is no socket: move it away or name another path", path)};
  }
  auto probe = stream_socket();
  if (!probe) return probe.error();
  if (::connect(probe.value().get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return base::Error{"address_in_use",
                       fmt::format("another process listens on '{}': stop it or name another path", path)};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return base::Error{"permission_denied",
                       fmt::format("cannot remove the stale socket '{}': {}", path, reason(errno))};
  }
  return base::ok_status();
}

void take_descriptors(const msghdr& message, std::vector<base::FileDescriptor>& out) {
  auto* const header = const_cast<msghdr*>(&message);
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
      out.emplace_back(descriptor);
    }
  }
}

}  // namespace

base::Result<Listener> Listener::open(const std::string& path, unsigned file_mode) {
  auto address = address_of(path);
  if (!address) return address.error();
  const auto parent = std::filesystem::path(path).parent_path();
  auto lock = lock_directory(parent.empty() ? "." : parent);
  if (!lock) return lock.error();
  if (auto cleared = clear_stale(path, address.value()); !cleared) return cleared.error();
  auto made = stream_socket();
  if (!made) return made.error();
  const int socket = made.value().get();
  const auto failed = [&path](const char* what, int error_number) {
    return base::Error{error_number == EACCES || error_number == EPERM || error_number == EROFS
                           ? "permission_denied"
                           : "socket",
                       fmt::format("socket '{}': cannot {}: {}", path, what, reason(error_number))};
  };
  // The file is born with the socket's own mode less the umask (unix(7)): never wider than wanted. chmod then
  // gives back what the umask took. Nobody can connect before listen().
  if (::fchmod(socket, file_mode) != 0) return failed("set its mode", errno);
  if (::bind(socket, generic(address.value()), sizeof(sockaddr_un)) != 0) return failed("bind", errno);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return failed("find it again", errno);
  Listener listener(std::move(made).value(), path, status.st_dev, status.st_ino);
  if (::chmod(path.c_str(), file_mode) != 0) return failed("set its mode", errno);
  if (::listen(listener.get(), kBacklog) != 0) return failed("listen", errno);
  return listener;
}

Listener::~Listener() {
  if (!socket_) return;
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

Received receive(int socket, std::span<char> buffer) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Received result;
  // Descriptors for which there is no room are never installed (MSG_CTRUNC): the kernel drops them.
  result.bytes = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (result.bytes >= 0) take_descriptors(message, result.descriptors);
  return result;
}

ssize_t send_some(int socket, std::string_view bytes, std::span<const int> descriptors) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  if (descriptors.size() > kMaxDescriptors) {
    errno = EINVAL;
    return -1;
  }
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Peer peer_of(int socket) {
  Peer peer;
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    // Nobody has this uid: a peer that cannot be told has no rights.
    return Peer{.uid = ~0U, .gid = ~0U, .pid = 0, .groups = {}};
  }
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  length = 0;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length) == 0 || errno != ERANGE) return peer;
  peer.groups.resize(length / sizeof(unsigned));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &length) != 0) {
    peer.groups.clear();
  } else {
    peer.groups.resize(length / sizeof(unsigned));
  }
  return peer;
}

base::Result<base::FileDescriptor> connect_to(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  auto made = stream_socket();
  if (!made) return made;
  if (::connect(made.value().get(), generic(address.value()), sizeof(sockaddr_un)) == 0) return made;
  switch (const int error_number = errno; error_number) {
    case EAGAIN:
      return base::Error{"busy", fmt::format("'{}': too many clients are waiting", path)};
    case ENOENT:
    case ECONNREFUSED:
      return base::Error{"not_running", fmt::format("nobody listens on '{}': is the program running?", path)};
    case EACCES:
    case EPERM:
      return base::Error{
          "permission_denied",
          fmt::format("'{}': this user may not connect; use a member of the socket's group, or root", path)};
    default:
      return base::Error{"socket", fmt::format("cannot connect to '{}': {}", path, reason(error_number))};
  }
}

}  // namespace weir::rpc
