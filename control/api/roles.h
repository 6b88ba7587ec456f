#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/enum_rows.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

/// What a caller may do. Each role includes the ones before it.
enum class Role : std::uint8_t { none, read, update, admin };
inline constexpr auto kRoles = std::to_array<base::EnumRow<Role>>({
    {Role::none, "none", "may call nothing"},
    {Role::read, "read", "may look"},
    {Role::update, "update", "may also change lists"},
    {Role::admin, "admin", "may also change enforcement and configuration"},
});
static_assert(base::names_every_value<kRoles>(), "kRoles: one row for each Role, in the order of the enum");

constexpr std::string_view to_string(Role role) noexcept { return kRoles[base::index_of(role)].name; }

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
