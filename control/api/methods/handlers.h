#pragma once

#include "control/api/methods/context.h"

/// The handlers of the methods, by topic; each topic has its source file. A handler answers its call exactly
/// once, now or later, and never waits. What a method does stands in its row (methods.cpp).
namespace weir::control::handlers {

// lists_and_rules.cpp
void lists(ApiContext& api, Call&& call);
void reload_list(ApiContext& api, Call&& call);
void diff_list(ApiContext& api, Call&& call);
void add_rule(ApiContext& api, Call&& call);
void remove_rule(ApiContext& api, Call&& call);
void list_rules(ApiContext& api, Call&& call);
void check(ApiContext& api, Call&& call);

// generations_and_enforcement.cpp
void snapshots(ApiContext& api, Call&& call);
void rollback(ApiContext& api, Call&& call);
void enforcement(ApiContext& api, Call&& call);
void reset_breaker(ApiContext& api, Call&& call);

// reports.cpp
void version(ApiContext& api, Call&& call);
void describe_methods(ApiContext& api, Call&& call);
void status(ApiContext& api, Call&& call);
void counters(ApiContext& api, Call&& call);
void latency(ApiContext& api, Call&& call);
void enforceability(ApiContext& api, Call&& call);

// audit_and_events.cpp
void audit(ApiContext& api, Call&& call);
void verify_audit(ApiContext& api, Call&& call);
void follow_events(ApiContext& api, Call&& call);

// configuration.cpp
void check_configuration(ApiContext& api, Call&& call);
void reconfigure(ApiContext& api, Call&& call);

// self_test.cpp
void run_self_test(ApiContext& api, Call&& call);
void certify_self_test(ApiContext& api, Call&& call);

}  // namespace weir::control::handlers
