#include "control/api/call_params.h"
#include "control/api/methods/handlers.h"

namespace weir::control::handlers {

using nlohmann::json;

void audit(ApiContext& api, Call&& call) {
  constexpr std::uint64_t max_records = 1000;
  constexpr std::uint64_t default_records = 100;
  CallParams params(*call.params);
  const auto since = params.number("since", kMaxNumber).value_or(0);
  const auto limit = params.number("limit", max_records).value_or(default_records);
  if (params.error()) return call.responder->fail(*params.error());
  api.answer_later(call,
                   [&api, since, limit] { return api.audit.read(static_cast<std::int64_t>(since), limit); });
}

void verify_audit(ApiContext& api, Call&& call) {
  api.answer_later(call, [&api]() -> base::Result<json> {
    const auto report = api.audit.verify();
    if (!report) return report.error();
    return storage::chain_report_json(report.value());
  });
}

void follow_events(ApiContext& api, Call&& call) {
  if (const auto begun = api.events.follow(call.caller.uid, call.responder); !begun)
    call.responder->fail(begun.error());
}

}  // namespace weir::control::handlers
