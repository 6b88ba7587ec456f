#include <limits>

#include <fmt/format.h>

#include "control/api/call_params.h"
#include "control/api/check.h"
#include "control/api/methods/handlers.h"
#include "control/api/rule_listing.h"
#include "control/api/status_report.h"
#include "dataplane/base/unix_time.h"
#include "dataplane/proto/url/url.h"

namespace weir::control::handlers {
namespace {

using nlohmann::json;

/// Unix seconds, from a number or from text such as `7d`. None: never, which the number 0 says too.
std::optional<std::int64_t> read_expiry(CallParams& params, const json& object) {
  const auto expires = object.find("expires");
  if (expires == object.end() || !expires->is_string()) {
    const auto seconds = params.number("expires", kMaxNumber).value_or(0);
    return seconds == 0 ? std::nullopt : std::optional(static_cast<std::int64_t>(seconds));
  }
  const auto time = base::parse_moment(expires->get_ref<const std::string&>(), base::unix_now());
  if (!time)
    params.refuse("expires", "a duration (30m, 12h, 7d) or a time (2026-01-02, 2026-01-02T03:04:05Z)");
  return time;
}

}  // namespace

void lists(ApiContext& api, Call&& call) {
  const auto view = api.publisher.view();
  call.responder->result({{"generation", view->state.generation.value},
                          {"lists", lists_report(api.settings, *view, base::unix_now())}});
}

void reload_list(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const std::string list = params.text("list", kMaxNameBytes);
  const bool dry_run = params.flag("dry_run");
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.reload(std::move(call.caller), list, dry_run, answer_to(call));
}

void diff_list(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const std::string list = params.required_text("list", kMaxNameBytes);
  const bool entries = params.flag("entries");
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.diff(std::move(call.caller), list, entries, answer_to(call));
}

void add_rule(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  RuleRequest request{.list = params.text("list", kMaxNameBytes),
                      .entry = params.required_text("entry", proto::kMaxUrlBytes),
                      .action = rules::Action::block,
                      .comment = params.text("comment", kMaxCommentBytes),
                      .expires_unix_seconds = read_expiry(params, *call.params),
                      .confirmed = params.flag("confirm")};
  if (const std::string name = params.text("action", kMaxNameBytes); !name.empty()) {
    const auto action = base::enum_from_name(rules::kActions, name);
    if (!action) params.refuse("action", "block or allow");
    request.action = action.value_or(rules::Action::block);
  }
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.add_rule(std::move(call.caller), std::move(request), answer_to(call));
}

void remove_rule(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  RemoveRequest request{.list = params.text("list", kMaxNameBytes),
                        .id = std::nullopt,
                        .entry = params.text("entry", proto::kMaxUrlBytes)};
  if (const auto id = params.number("id", std::numeric_limits<std::uint32_t>::max())) {
    request.id = static_cast<std::uint32_t>(*id);
  }
  if (request.id.has_value() == !request.entry.empty()) params.refuse("id", "either id or entry");
  if (params.error()) return call.responder->fail(*params.error());
  api.updates.remove_rule(std::move(call.caller), std::move(request), answer_to(call));
}

void list_rules(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  RuleListing listing{.list = params.optional_text("list", kMaxNameBytes),
                      .limit = params.number("limit", kMaxListedRules).value_or(kDefaultListedRules),
                      .cursor = params.optional_text("cursor", kMaxNameBytes),
                      .entries = params.flag("entries")};
  if (params.error()) return call.responder->fail(*params.error());
  if (listing.entries && call.role < Role::update) {
    return call.responder->fail(
        {"forbidden", fmt::format("the text of entries needs the role update; these have it: {}",
                                  api.roles.holders(Role::update))});
  }
  answer(*call.responder, control::list_rules(api.settings, *api.publisher.view(), listing));
}

void check(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const std::string url = params.required_text("url", proto::kMaxUrlBytes);
  if (params.error()) return call.responder->fail(*params.error());
  api.answer_later(call, [&api, url]() -> base::Result<json> {
    const auto view = api.publisher.view();
    auto report = check_report(*view, url);
    if (!report) return report.error();
    const auto dataplane = api.link.status();
    json verdict = std::move(report).value();
    verdict["active"] = dataplane->up && dataplane->generation == view->state.generation;
    return verdict;
  });
}

}  // namespace weir::control::handlers
