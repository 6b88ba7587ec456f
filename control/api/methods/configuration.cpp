#include <string_view>

#include "config/settings.h"
#include "control/api/methods/handlers.h"

namespace weir::control::handlers {
namespace {

using nlohmann::json;

/// A configuration error has one problem per line.
json lines_of(std::string_view message) {
  json lines = json::array();
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    lines.push_back(message.substr(0, end));
    message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
  }
  return lines;
}

}  // namespace

void check_configuration(ApiContext& api, Call&& call) {
  api.answer_later(call, [file = api.config_file]() -> base::Result<json> {
    const auto settings = config::load_settings(file, config::Audience::control);
    json report{{"file", file.string()}, {"ok", settings.ok()}, {"problems", json::array()}};
    if (settings) {
      report["notices"] = config::setting_notices(settings.value());
    } else {
      report["problems"] = lines_of(settings.error().message);
    }
    return report;
  });
}

void reconfigure(ApiContext& api, Call&& call) { api.reconfigure(std::move(call.caller), call.responder); }

}  // namespace weir::control::handlers
