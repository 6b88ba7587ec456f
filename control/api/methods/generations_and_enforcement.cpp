#include <limits>

#include "control/api/call_params.h"
#include "control/api/methods/handlers.h"
#include "dataplane/base/enforcement.h"

namespace weir::control::handlers {
namespace {

using nlohmann::json;

json snapshots_report(const ApiContext& api) {
  const auto view = api.publisher.view();
  const auto dataplane = api.link.status();
  json snapshots = json::array();
  for (const base::Generation generation : api.publisher.store().generations()) {
    const auto state = api.publisher.store().read_state(generation);
    if (!state) continue;
    std::uint64_t entries = 0;
    json lists = json::array();
    for (const ListState& list : state.value().lists) {
      entries += list.entries;
      lists.push_back({{"name", list.name}, {"entries", list.entries}});
    }
    snapshots.push_back({{"generation", generation.value},
                         {"created", state.value().created_unix_seconds},
                         {"base", state.value().base.value_or(base::Generation{}).value},
                         {"entries", entries},
                         {"lists", std::move(lists)},
                         {"current", generation == view->state.generation},
                         {"active", dataplane->up && generation == dataplane->generation}});
  }
  return {{"snapshots", std::move(snapshots)}};
}

}  // namespace

void snapshots(ApiContext& api, Call&& call) {
  api.answer_later(call, [&api]() -> base::Result<json> { return snapshots_report(api); });
}

void rollback(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const auto generation = params.number("generation", kMaxNumber);
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.rollback(std::move(call.caller), generation, answer_to(call));
}

void enforcement(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const std::string name = params.required_text("mode", kMaxNameBytes);
  const auto mode = base::enum_from_name<base::Enforcement>(base::kEnforcements, name);
  if (!mode) params.refuse("mode", "enforce, monitor or bypass");
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.set_enforcement(std::move(call.caller), *mode, answer_to(call));
}

void reset_breaker(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const auto rule = params.number("rule", std::numeric_limits<std::uint32_t>::max());
  if (params.error()) return call.responder->fail(*params.error());
  std::optional<std::uint32_t> one;
  if (rule) one = static_cast<std::uint32_t>(*rule);
  api.updates.reset_breaker(std::move(call.caller), one, answer_to(call));
}

}  // namespace weir::control::handlers
