#pragma once

#include <string>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/inspect/block_page/block_page.h"
#include "dataplane/inspect/decision/inspector_settings.h"

namespace weir::inspect {

/// The configuration's inspection settings, as the inspector takes them.
InspectorSettings inspector_settings(const config::DataplaneSettings& settings);

/// Makes the block page; reads its file. Errors name `file` (the configuration file), the page's file and the
/// reason. Error code: config_invalid.
base::Result<BlockPage> make_block_page(const config::HttpBlockSettings& http, const std::string& file);

}  // namespace weir::inspect
