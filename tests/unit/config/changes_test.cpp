#include "config/changes.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "config/schema.h"
#include "config/values.h"

namespace weir::config {
namespace {

// Gives a setting another value. Whether the value makes sense does not matter here.
struct Changer {
  void operator()(bool* value) const { *value = !*value; }
  void operator()(unsigned* value) const { *value += 1; }
  void operator()(std::uint64_t* value) const { *value += 1; }
  void operator()(std::chrono::seconds* value) const { *value += std::chrono::seconds(1); }
  void operator()(std::string* value) const { *value += "x"; }
  void operator()(std::filesystem::path* value) const { *value += "x"; }
  void operator()(std::vector<std::string>* value) const { value->emplace_back("x"); }
  void operator()(std::vector<unsigned>* value) const { value->push_back(99); }
  void operator()(PortSelection* value) const { value->any = !value->any; }
  void operator()(const Choice& choice) const {
    *choice.value = static_cast<std::uint8_t>((*choice.value + 1U) % choice.names.size());
  }
  void operator()(std::vector<PortSettings>* value) const { value->emplace_back().name = "x"; }
  void operator()(std::vector<ListSettings>* value) const { value->emplace_back().name = "x"; }
};

Audience owner_of(std::string_view key) {
  return key.starts_with("dataplane.") ? Audience::dataplane : Audience::control;
}

// The key in reports: a list is named.
std::string reported(std::string_view key) { return key == "lists" ? "lists[x]" : std::string(key); }

using Keys = std::vector<std::string>;

TEST(TakeOver, EachSettingAsItsRowSays) {
  const Settings current;
  for (const Row<Settings>& row : settings_rows()) {
    SCOPED_TRACE(row.key);
    Settings wanted = current;
    std::visit(Changer{}, row.field(wanted));
    const Keys changed{reported(row.key)};
    ASSERT_EQ(changed_settings(current, wanted), changed);
    const Reconfigured result = take_over(current, wanted, owner_of(row.key));
    EXPECT_EQ(result.changed, changed);
    const bool needs_restart = row.traits.change_needs == ChangeNeeds::restart;
    EXPECT_EQ(result.needs_restart, needs_restart ? changed : Keys{});
    EXPECT_EQ(changed_settings(result.in_force, needs_restart ? current : wanted), Keys{});
  }
}

TEST(TakeOver, LeavesTheSettingsOfTheOtherDaemonAlone) {
  const Settings current;
  for (const Row<Settings>& row : settings_rows()) {
    SCOPED_TRACE(row.key);
    Settings wanted = current;
    std::visit(Changer{}, row.field(wanted));
    const bool of_control = owner_of(row.key) == Audience::control;
    const Reconfigured result =
        take_over(current, wanted, of_control ? Audience::dataplane : Audience::control);
    EXPECT_EQ(changed_settings(result.in_force, current), Keys{});
    // The control daemon reports on the whole file, the dataplane on its part.
    EXPECT_EQ(result.changed, of_control ? Keys{} : Keys{std::string(row.key)});
    EXPECT_EQ(result.needs_restart, result.changed);
  }
}

TEST(TakeOver, EachSettingOfAListWithoutARestart) {
  Settings current;
  current.lists.emplace_back().name = "x";
  for (const Row<ListSettings>& row : list_rows()) {
    if (row.key == "name") continue;
    SCOPED_TRACE(row.key);
    Settings wanted = current;
    std::visit(Changer{}, row.field(wanted.lists[0]));
    Reconfigured result = take_over(current, wanted, Audience::control);
    EXPECT_EQ(result.changed, Keys{"lists[x]"});
    EXPECT_EQ(result.needs_restart, Keys{});
    EXPECT_EQ(format_value(row.field(wanted.lists[0])), format_value(row.field(result.in_force.lists[0])));
  }
}

TEST(TakeOver, SaysWhatIsSetNow) {
  Settings current;
  Settings wanted;
  wanted.dataplane.block.http.status = 403;
  wanted.dataplane.workers = {7};
  wanted.control.keep_generations = 3;
  wanted.control.state_dir = "/elsewhere";
  const Reconfigured of_dataplane = take_over(current, wanted, Audience::dataplane);
  EXPECT_EQ(of_dataplane.in_force.dataplane.block.http.status, 403U);
  EXPECT_EQ(of_dataplane.in_force.dataplane.workers, std::vector<unsigned>{1});
  EXPECT_EQ(of_dataplane.in_force.control.keep_generations, 10U);
  EXPECT_EQ(of_dataplane.needs_restart, Keys{"dataplane.workers"});
  const Reconfigured of_control = take_over(current, wanted, Audience::control);
  EXPECT_EQ(of_control.in_force.control.keep_generations, 3U);
  EXPECT_EQ(of_control.in_force.control.state_dir, "/var/lib/weir");
  EXPECT_EQ(of_control.in_force.dataplane.block.http.status, 451U);
  EXPECT_EQ(of_control.needs_restart,
            (Keys{"dataplane.workers", "dataplane.block.http.status", "control.state_dir"}));
}

}  // namespace
}  // namespace weir::config
