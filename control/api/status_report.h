#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"

namespace weir::control {

/// What the control socket tells about the box. `now`: Unix seconds. Nothing in it shows an entry.

/// Whether the feed was not fetched for longer than its max_age.
bool is_stale(const config::ListSettings& settings, const ListState& list, std::int64_t now);

nlohmann::json list_report(const config::ListSettings& settings, const View& view, std::size_t list,
                           std::int64_t now);
nlohmann::json lists_report(const config::Settings& settings, const View& view, std::int64_t now);
/// `healthy`: the dataplane runs, has the current generation and enforces it, and no list is stale, and the
/// last self-test was passed; else `problems` says what is wrong and what to do. `warnings` can wait.
nlohmann::json status_report(const config::Settings& settings, const View& view,
                             const DataplaneStatus& dataplane, const SelfTestReport& self_test,
                             std::int64_t now);
/// How many entries of each list hold on every protocol (`every_protocol`), on cleartext HTTP alone
/// (`cleartext_http_only`), there and with their host when encrypted (`whole_host_when_encrypted`, on_tls:
/// block-host), or `not_at_all`: refused when the list was read, or overridden by an allow rule on the host.
/// `allow_rules` block nothing. Linear in the rules.
nlohmann::json enforceability_report(const config::Settings& settings, const View& view);

}  // namespace weir::control
