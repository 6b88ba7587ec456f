#include <algorithm>

#include <fmt/format.h>

#include "control/ctl/answer.h"
#include "control/ctl/commands/calls.h"
#include "control/ctl/text_table.h"

namespace weir::ctl {

using nlohmann::json;

int print_reconfigured(const Session& session, const Given&, const json& answer) {
  const json& needs_restart = member(answer, "needs_restart");
  const auto waits = [&needs_restart](const json& key) {
    return needs_restart.is_array() &&
           std::find(needs_restart.begin(), needs_restart.end(), key) != needs_restart.end();
  };
  std::size_t applied = 0;
  for (const json& key : member(answer, "changed")) {
    if (!key.is_string() || waits(key)) continue;
    session.out() << printable(key.get<std::string>()) << ": applied\n";
    ++applied;
  }
  for (const json& key : needs_restart) {
    if (!key.is_string()) continue;
    const std::string text = key.get<std::string>();
    session.out() << printable(text) << ": needs a restart of "
                  << (text.starts_with("dataplane.") ? "weir-dataplane" : "weir-control") << '\n';
  }
  if (applied == 0) session.out() << "no setting to apply\n";
  session.out() << fmt::format("generation {} is current\n", cell(answer, "generation"));
  const json& dataplane = member(answer, "dataplane");
  if (const json& error = member(dataplane, "error"); error.is_object()) {
    session.out() << session.bad(printable("weir-dataplane changed nothing: " + cell(error, "message")))
                  << '\n';
    return kFailed;
  }
  if (is_true(dataplane, "page")) session.out() << "the block page was read again\n";
  return kDone;
}

}  // namespace weir::ctl
