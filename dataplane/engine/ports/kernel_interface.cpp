#include "dataplane/engine/ports/kernel_interface.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dataplane/base/file_descriptor.h"

namespace weir::engine {
namespace {

/// One netdevice(7) request about `name`. Returns errno's value; 0: done.
int ask(const std::string& name, unsigned long request, ifreq& about) {
  if (name.size() >= sizeof(about.ifr_name)) return ENODEV;
  std::copy(name.begin(), name.end(), about.ifr_name);
  const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ioctl(socket.get(), request, &about) != 0) return errno;
  return 0;
}

}  // namespace

bool interface_has_link(const std::string& name) {
  ifreq about{};
  if (ask(name, SIOCGIFFLAGS, about) != 0) return false;
  const auto flags = static_cast<unsigned short>(about.ifr_flags);
  return (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
}

std::optional<std::uint16_t> interface_mtu(const std::string& name) {
  constexpr int kLongest = 65535;
  ifreq about{};
  if (ask(name, SIOCGIFMTU, about) != 0) return std::nullopt;
  return static_cast<std::uint16_t>(std::clamp(about.ifr_mtu, 0, kLongest));
}

base::Status set_interface_up(const std::string& name, bool up) {
  ifreq about{};
  int error = ask(name, SIOCGIFFLAGS, about);
  if (error == 0) {
    const auto flags = static_cast<unsigned short>(about.ifr_flags);
    about.ifr_flags = static_cast<short>(up ? flags | IFF_UP : flags & ~static_cast<unsigned>(IFF_UP));
    error = ask(name, SIOCSIFFLAGS, about);
  }
  if (error == 0) return base::ok_status();
  return base::Error{.code = "interface_failed",
                     .message = fmt::format("cannot set interface {} {}: {}", name, up ? "up" : "down",
                                            std::strerror(error))};
}

}  // namespace weir::engine
