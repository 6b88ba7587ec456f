#include "control/api/roles.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

namespace weir::control {
namespace {

constexpr std::chrono::seconds kKeepNames{5};
constexpr std::size_t kMaxKnown = 256;
constexpr std::size_t kNameBufferBytes = 65536;
constexpr int kMaxGroups = 65536;

bool share_one(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&b](const std::string& name) {
    return std::find(b.begin(), b.end(), name) != b.end();
  });
}

std::optional<std::string> group_name(gid_t gid) {
  std::vector<char> buffer(kNameBufferBytes);
  group entry{};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return std::string(found->gr_name);
}

}  // namespace

std::vector<std::string> names_of_peer(const rpc::Peer& peer) {
  std::vector<std::string> names;
  std::vector<gid_t> groups{peer.gid};
  groups.insert(groups.end(), peer.groups.begin(), peer.groups.end());
  std::vector<char> buffer(kNameBufferBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    names.emplace_back(found->pw_name);
    int count = 64;
    std::vector<gid_t> listed(static_cast<std::size_t>(count));
    if (::getgrouplist(found->pw_name, peer.gid, listed.data(), &count) < 0) {
      count = std::clamp(count, 1, kMaxGroups);
      listed.resize(static_cast<std::size_t>(count));
      if (::getgrouplist(found->pw_name, peer.gid, listed.data(), &count) < 0) count = 0;
    }
    listed.resize(static_cast<std::size_t>(count));
    groups.insert(groups.end(), listed.begin(), listed.end());
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  for (const gid_t group : groups) {
    if (auto name = group_name(group)) names.push_back(std::move(*name));
  }
  return names;
}

Roles::Roles(config::RoleSettings settings, NamesOfPeer names_of_peer)
    : settings_(std::move(settings)), names_of_peer_(std::move(names_of_peer)) {}

Role Roles::role_of_names(const std::vector<std::string>& names) const {
  if (share_one(names, settings_.admin)) return Role::admin;
  if (share_one(names, settings_.update)) return Role::update;
  if (share_one(names, settings_.read)) return Role::read;
  return Role::none;
}

Role Roles::of(const rpc::Peer& peer) {
  if (peer.uid == 0) return Role::admin;
  const auto now = Clock::now();
  std::vector<unsigned> key{peer.uid, peer.gid};
  key.insert(key.end(), peer.groups.begin(), peer.groups.end());
  const auto known = known_.find(key);
  if (known != known_.end() && now < known->second.until) return known->second.role;
  if (known_.size() >= kMaxKnown) known_.clear();
  const Role role = role_of_names(names_of_peer_(peer));
  known_[key] = {role, now + kKeepNames};
  return role;
}

std::string Roles::holders(Role role) const {
  std::vector<std::string> names{"root"};
  const auto add = [&names](const std::vector<std::string>& more) {
    for (const std::string& name : more) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  };
  if (role <= Role::read) add(settings_.read);
  if (role <= Role::update) add(settings_.update);
  add(settings_.admin);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace weir::control
