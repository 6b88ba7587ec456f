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
    return base::Error{.code = "path_too_long",
                       .message = fmt::format("socket path '{}': expected 1 to {} bytes without NUL", path,
                                              sizeof(address.sun_path) - 1)};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The socket calls take the generic type.
const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

base::Result<base::FileDescriptor> stream_socket() {
  base::FileDescriptor result(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result) {
    return base::Error{.code = "socket", .message = "cannot make a Unix socket: " + reason(errno)};
  }
  return result;
}

// The directory is locked while a socket is set up. Otherwise, of two servers that start at the same time,
// each could take the other's new socket for a stale one.
base::Result<base::FileDescriptor> lock_directory(const std::filesystem::path& directory) {
  base::FileDescriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) {
    const int error_number = errno;
    const bool missing = error_number == ENOENT || error_number == ENOTDIR;
    return base::Error{
        .code = missing ? "no_directory" : "permission_denied",
        .message = fmt::format("directory '{}' for the socket: {}: create it and make it writable for this "
                               "user",
                               directory.string(), reason(error_number))};
  }
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return base::Error{
      .code = "address_in_use",
      .message = fmt::format("directory '{}' is locked by another process: try again", directory.string())};
}

// Removes the socket that an earlier server left at `path`. Refuses a socket in use and any other file.
base::Status clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return base::ok_status();
    return base::Error{.code = "socket", .message = fmt::format("socket '{}': {}", path, reason(errno))};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return base::Error{
        .code = "not_a_socket",
        .message = fmt::format("'{}' exists and is not a socket: remove it or set another path", path)};
  }
  auto probe = stream_socket();
  if (!probe) return probe.error();
  if (::connect(probe.value().get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return base::Error{
        .code = "address_in_use",
        .message = fmt::format("another process listens on '{}': stop it or set another path", path)};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return base::Error{
        .code = "permission_denied",
        .message = fmt::format("cannot remove the stale socket '{}': {}", path, reason(errno))};
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
    const bool denied = error_number == EACCES || error_number == EPERM || error_number == EROFS;
    return base::Error{
        .code = denied ? "permission_denied" : "socket",
        .message = fmt::format("socket '{}': cannot {}: {}", path, what, reason(error_number))};
  };
  // The file is created with the socket's mode minus the umask (unix(7)), so its mode is never too wide.
  // chmod then restores what the umask removed. No client can connect before listen().
  if (::fchmod(socket, file_mode) != 0) return failed("set its mode", errno);
  if (::bind(socket, generic(address.value()), sizeof(sockaddr_un)) != 0) return failed("bind", errno);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return failed("read its status", errno);
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
  // If there is no room for all descriptors (MSG_CTRUNC), the kernel drops the rest.
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
    // No user has this uid: an unknown peer has no rights.
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

base::Result<std::optional<base::FileDescriptor>> connect_to(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  auto made = stream_socket();
  if (!made) return made.error();
  if (::connect(made.value().get(), generic(address.value()), sizeof(sockaddr_un)) == 0) {
    return std::optional<base::FileDescriptor>(std::move(made).value());
  }
  switch (const int error_number = errno; error_number) {
    case EAGAIN:
      return std::optional<base::FileDescriptor>();
    case ENOENT:
    case ECONNREFUSED:
      return base::Error{.code = "not_running",
                         .message = fmt::format("no process listens on '{}': start the program", path)};
    case EACCES:
    case EPERM:
      return base::Error{
          .code = "permission_denied",
          .message = fmt::format("'{}': this user may not connect: run it as root or as a member of the "
                                 "socket's group",
                                 path)};
    default:
      return base::Error{.code = "socket",
                         .message = fmt::format("cannot connect to '{}': {}", path, reason(error_number))};
  }
}

}  // namespace weir::rpc
