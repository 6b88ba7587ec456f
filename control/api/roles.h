#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

/// What a caller may do. Each role includes the ones before it.
enum class Role : std::uint8_t { none, read, update, admin };
std::string_view to_string(Role role) noexcept;

/// Names of the peer's user and groups: the groups of its process, and those that the user database lists for
/// the user.
std::vector<std::string> names_of_peer(const rpc::Peer& peer);

/// The roles of peers, by the credentials that the kernel reports. root has every role. The name service's
/// answers are cached for some seconds: it may be slow, and it is called from the thread that serves all
/// clients. One thread.
class Roles {
 public:
  using NamesOfPeer = std::function<std::vector<std::string>(const rpc::Peer& peer)>;

  explicit Roles(config::RoleSettings settings, NamesOfPeer names_of_peer = control::names_of_peer);
  [[nodiscard]] Role of(const rpc::Peer& peer);
  /// The users and groups that have `role`, for messages: `root, weir-list`.
  [[nodiscard]] std::string holders(Role role) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    Role role = Role::none;
    Clock::time_point until;
  };
  [[nodiscard]] Role role_of_names(const std::vector<std::string>& names) const;

  const config::RoleSettings settings_;
  const NamesOfPeer names_of_peer_;
  std::map<std::vector<unsigned>, Known> known_;  // by uid, gid, groups
};

}  // namespace weir::control
