#include "control/api/control_api.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "control/api/call_params.h"
#include "control/api/methods/method.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxWaitingReaders = 256;

/// The first parameter that the method does not have.
std::optional<std::string> unknown_param(const Method& method, const nlohmann::json& params) {
  for (const auto& [name, value] : params.items()) {
    if (name == "expect_generation" && method.role >= Role::update) continue;
    if (std::find(method.params.begin(), method.params.end(), name) == method.params.end()) return name;
  }
  return std::nullopt;
}

}  // namespace

ControlApi::ControlApi(const config::Settings& settings, std::filesystem::path config_file,
                       Publisher& publisher, Updates& updates, DataplaneLink& link, storage::AuditLog& audit,
                       EventHub& events, SelfTest& self_test, Roles roles, Reconfigure reconfigure)
    : readers_(kMaxWaitingReaders),
      context_{.settings = settings,
               .config_file = std::move(config_file),
               .publisher = publisher,
               .updates = updates,
               .link = link,
               .audit = audit,
               .events = events,
               .self_test = self_test,
               .roles = std::move(roles),
               .reconfigure = std::move(reconfigure),
               .started_unix_seconds = base::unix_now(),
               .readers = readers_} {
  readers_.start();
}

ControlApi::~ControlApi() { readers_.stop(); }

void ControlApi::handle(rpc::Request&& request, std::shared_ptr<rpc::Responder> responder) {
  if (!rate_.take(request.peer.uid, CallRate::Clock::now())) {
    return responder->fail({"rate_limited", fmt::format("uid {} makes more than {} calls a second: slow down",
                                                        request.peer.uid, CallRate::kEachSecond)});
  }
  const Method* method = find_method(request.method);
  const Role role = context_.roles.of(request.peer);
  if (method == nullptr) {
    return responder->fail({"method_not_found", "no such method: `methods` lists them"});
  }
  if (role < method->role) {
    const std::uint64_t generation = context_.publisher.view()->state.generation.value;
    context_.audit.append_refused({.uid = request.peer.uid,
                                   .method = std::string(method->name),
                                   .list = {},
                                   .rule = std::nullopt,
                                   .before_generation = generation,
                                   .after_generation = generation,
                                   .outcome = "forbidden"});
    return responder->fail(
        {"forbidden", fmt::format("{} needs the role {}; these have it: {}", request.method,
                                  to_string(method->role), context_.roles.holders(method->role))});
  }
  if (const auto unknown = unknown_param(*method, *request.params)) {
    return responder->fail(
        {"invalid_params", fmt::format("{}: {} has no such parameter", *unknown, request.method)});
  }
  CallParams params(*request.params);
  Call call{.caller = {.uid = request.peer.uid,
                       .method = std::string(method->name),
                       .expect_generation = params.number("expect_generation", kMaxNumber)},
            .role = role,
            .params = request.params,
            .responder = std::move(responder)};
  if (params.error()) return call.responder->fail(*params.error());
  method->handler(context_, std::move(call));
}

}  // namespace weir::control
