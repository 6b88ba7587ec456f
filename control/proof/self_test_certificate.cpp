#include "control/proof/self_test_certificate.h"

#include <array>
#include <string>

#include <unistd.h>

#include "control/storage/signature.h"
#include "dataplane/base/unix_time.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

using nlohmann::json;

std::string host_name() {
  constexpr std::size_t kLongest = 256;
  std::array<char, kLongest> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Null for 0, which stands for never.
json time_or_null(std::int64_t unix_seconds) {
  return unix_seconds == 0 ? json(nullptr) : json(base::format_time(unix_seconds));
}

json lists_of(const config::Settings& settings, const View& view) {
  json lists = json::array();
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const ListState& list = view.state.lists[i];
    const bool manual = settings.lists[i].type == config::ListType::manual;
    lists.push_back({{"name", list.name}, {"type", manual ? "manual" : "feed"}, {"entries", list.entries}});
    if (!manual) lists.back()["fetched"] = time_or_null(list.last_success_unix_seconds);
  }
  return lists;
}

}  // namespace

base::Result<json> self_test_certificate(const config::Settings& settings, const View& view,
                                         const SelfTestReport& report) {
  json self_test = self_test_json(&report);
  self_test["time"] = base::format_time(report.time_unix_seconds);
  const json document{{"report", "Weir self-test"},
                      {"host", host_name()},
                      {"version", base::version()},
                      {"revision", base::git_revision()},
                      {"generation", view.state.generation.value},
                      {"built", time_or_null(view.state.created_unix_seconds)},
                      {"lists", lists_of(settings, view)},
                      {"self_test", std::move(self_test)}};
  auto certificate = storage::sign_text(document.dump(2, ' ', false, json::error_handler_t::replace),
                                        settings.control.state_dir / "certificate.key");
  if (!certificate) return certificate.error();
  return json{{"text", std::move(certificate.value().text)},
              {"signature", std::move(certificate.value().signature)},
              {"public_key", std::move(certificate.value().public_key)}};
}

}  // namespace weir::control
