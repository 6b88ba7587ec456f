#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What would become of a request for `url`, and why, without the text of any entry: `verdict`, `reason`,
/// `rule`, `list`, `kind`, the `canonical` form, `protocols` that are blocked, `by_protocol` each verdict.
/// `why` says what is near where nothing matches, `overrides` what an allow rule takes out of force. A name
/// in Unicode is taken as a browser sends it. Linear in the rules. Error codes: url_invalid, no_generation.
base::Result<nlohmann::json> check_report(const View& view, std::string_view url);

}  // namespace weir::control
