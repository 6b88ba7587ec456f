#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/numbers.h"
#include "control/ctl/text_table.h"

namespace weir::ctl {

using nlohmann::json;

int print_snapshots(const Session& session, const Given&, const json& answer) {
  TextTable table({TextTable::right("GENERATION"), TextTable::left("BUILT"), TextTable::right("ENTRIES"),
                   TextTable::left("STATE")});
  for (const json& snapshot : member(answer, "snapshots")) {
    std::string state = is_true(snapshot, "current") ? "current" : "";
    if (is_true(snapshot, "active")) state += state.empty() ? "active" : ", active";
    table.add(
        {cell(snapshot, "generation"), time_cell(snapshot, "created"), cell(snapshot, "entries"), state});
  }
  table.print(session.out());
  return kDone;
}

base::Result<json> rollback_request(const Given& given) {
  if (given.arguments.empty()) return json::object();
  const auto generation = number(given.arguments[0]);
  if (!generation) return not_a_number("GENERATION", given.arguments[0]);
  return json{{"generation", *generation}};
}

int print_rollback(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("the lists of generation {} are back\n", cell(answer, "content_of"));
  return print_generation(session, answer);
}

base::Result<json> enforcement_request(const Given& given) { return json{{"mode", given.arguments[0]}}; }

int print_enforcement(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("enforcement is {} until the dataplane restarts, then dataplane.enforcement\n",
                               printable(cell(answer, "enforcement")));
  return kDone;
}

base::Result<json> reset_request(const Given& given) {
  if (given.arguments.empty()) return json::object();
  const auto rule = number(given.arguments[0]);
  if (!rule) return not_a_number("RULE", given.arguments[0]);
  return json{{"rule", *rule}};
}

int print_reset(const Session& session, const Given&, const json& answer) {
  session.out() << fmt::format("rules back in force: {}\n", cell(answer, "reset"));
  return kDone;
}

}  // namespace weir::ctl
