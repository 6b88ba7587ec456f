#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"

namespace weir::control {

/// Reports for the control socket. `now` is in Unix seconds. None contains an entry.

/// Whether the feed's last good fetch is longer ago than its max_age. Never for a manual list.
bool is_stale(const config::ListSettings& settings, const ListState& list, std::int64_t now);

nlohmann::json list_report(const config::ListSettings& settings, const View& view, std::size_t list,
                           std::int64_t now);
nlohmann::json lists_report(const config::Settings& settings, const View& view, std::int64_t now);
/// `healthy`: the dataplane runs with the current generation and does not bypass it, no list is stale, no
/// rule is tripped, and the last self-test passed. Otherwise `problems` says what is wrong and what to do,
/// the worst first. `warnings` can wait. `self_test` null: none has been made yet.
nlohmann::json status_report(const config::Settings& settings, const View& view,
                             const DataplaneStatus& dataplane, const SelfTestReport* self_test,
                             std::int64_t now);
/// How many entries of each list work on every protocol (`every_protocol`), only on cleartext HTTP
/// (`cleartext_http_only`), on cleartext HTTP and by blocking their host when encrypted
/// (`whole_host_when_encrypted`, with on_tls: block-host), or `not_at_all`: refused when the list was read,
/// or overridden by an allow rule on the host. `allow_rules` block nothing. Linear in the rules.
nlohmann::json enforceability_report(const config::Settings& settings, const View& view);

}  // namespace weir::control
