#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The verdict on a request for `url`, and the reason, without the text of any entry: `verdict`, `reason`,
/// `rule`, `list`, `kind`, the `canonical` form, the blocked `protocols`, and each verdict `by_protocol`. If
/// nothing matches, `why` names the rules that come closest; if an allow rule matches, `overrides` names the
/// block rules that it overrides. A host in Unicode is read as a browser would send it (IDNA). Linear in the
/// rules. Error codes: url_invalid, no_generation.
base::Result<nlohmann::json> check_report(const View& view, std::string_view url);

}  // namespace weir::control
