#include "control/api/roles.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

namespace weir::control {
namespace {

rpc::Peer peer(unsigned uid) { return {.uid = uid, .gid = 100, .pid = 1, .groups = {}}; }

TEST(Roles, Table) {
  const config::RoleSettings settings{
      .read = {"weir", "watcher"}, .update = {"weir-list"}, .admin = {"chief"}};
  struct Case {
    const char* description;
    unsigned uid;
    std::vector<std::string> names;
    Role role;
  };
  const std::vector<Case> cases{
      {"root needs no group", 0, {}, Role::admin},
      {"nobody in particular", 1000, {"nobody", "users"}, Role::none},
      {"no name at all", 1000, {}, Role::none},
      {"a reader by group", 1000, {"ann", "weir"}, Role::read},
      {"a reader by user name", 1000, {"watcher"}, Role::read},
      {"the highest of several", 1000, {"ann", "weir", "weir-list"}, Role::update},
      {"an admin", 1000, {"chief"}, Role::admin},
      {"a name that only begins alike", 1000, {"weir-listing"}, Role::none},
  };
  for (const Case& each : cases) {
    Roles roles(settings, [&](const rpc::Peer&) { return each.names; });
    EXPECT_EQ(roles.of(peer(each.uid)), each.role) << each.description;
  }
}

TEST(Roles, AsksTheNameServiceOnceForAWhile) {
  int asked = 0;
  Roles roles({.read = {"weir"}, .update = {}, .admin = {}}, [&](const rpc::Peer&) {
    ++asked;
    return std::vector<std::string>{"weir"};
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(roles.of(peer(1000)), Role::read);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(roles.of(peer(1001)), Role::read);
  EXPECT_EQ(asked, 2);
}

TEST(Roles, NamesHoldersWithoutRepeating) {
  const Roles roles({.read = {"weir"}, .update = {"weir-list"}, .admin = {"root"}});
  EXPECT_EQ(roles.holders(Role::update), "root, weir-list");
  EXPECT_EQ(roles.holders(Role::read), "root, weir, weir-list");
}

TEST(NamesOfPeer, KnowsGroupsOfTheProcessThatTheUserDatabaseDoesNot) {
  const group* root = ::getgrgid(0);
  ASSERT_NE(root, nullptr);
  const std::string name = root->gr_name;
  EXPECT_THAT(names_of_peer({.uid = 4000000, .gid = 4000000, .pid = 1, .groups = {0}}),
              ::testing::ElementsAre(name));
}

TEST(NamesOfPeer, KnowsUserAndGroupsOfThisProcess) {
  const passwd* user = ::getpwuid(::getuid());
  const group* own = ::getgrgid(::getgid());
  ASSERT_NE(user, nullptr);
  ASSERT_NE(own, nullptr);
  const std::string user_name = user->pw_name;
  const std::string group_name = own->gr_name;
  const auto names = names_of_peer({.uid = ::getuid(), .gid = ::getgid(), .pid = 1, .groups = {}});
  EXPECT_THAT(names, ::testing::Contains(user_name));
  EXPECT_THAT(names, ::testing::Contains(group_name));
}

}  // namespace
}  // namespace weir::control
