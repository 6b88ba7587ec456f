#pragma once

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// A dated, signed report on a self-test, passed or failed, for authorities and hotlines that ask for
/// evidence that the box filters. It names the machine and version, the generation, the lists and their age,
/// and what the test found. It contains no entry. The signing key is state_dir/certificate.key, which the
/// first report creates. Returns {"text", "signature", "public_key"} as in storage::SignedText; the text is
/// JSON. Error codes: those of storage::sign_text.
base::Result<nlohmann::json> self_test_certificate(const config::Settings& settings, const View& view,
                                                   const SelfTestReport& report);

}  // namespace weir::control
