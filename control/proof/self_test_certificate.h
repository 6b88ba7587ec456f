#pragma once

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// A dated report on a self-test, for who has to be shown that the box filters: which machine and version,
/// which generation and lists, how old they are, what was tried and what became of it; signed with the key in
/// state_dir/certificate.key, made when it is first needed. No entry is in it. Whether the test was passed or
/// not. {"text", "signature", "public_key"}, see storage::SignedText; the text is JSON. Error codes: those of
/// storage::sign_text.
base::Result<nlohmann::json> self_test_certificate(const config::Settings& settings, const View& view,
                                                   const SelfTestReport& report);

}  // namespace weir::control
