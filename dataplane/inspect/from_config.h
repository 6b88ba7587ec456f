#pragma once

#include <string>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/inspect/answer/block_page.h"
#include "dataplane/inspect/decision/inspector_settings.h"

namespace weir::inspect {

/// What the configuration says of inspection, in the terms of the inspector.
inspect::InspectorSettings inspector_settings(const config::DataplaneSettings& settings);

/// Makes the block page, with its file read now. The error names `file`, the configuration's, the page's file
/// and why it cannot be used. Error code: config_invalid.
base::Result<inspect::BlockPage> make_block_page(const config::HttpBlockSettings& http,
                                                 const std::string& file);

}  // namespace weir::inspect
