#include "control/updates/expiry.h"

#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "control/lists/rule_changes.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

constexpr std::chrono::seconds kRetry{10};

}  // namespace

void Expiry::schedule() {
  const auto next = next_expiry(publisher_.current());
  if (!next) return;
  queue_.submit_at(std::chrono::system_clock::time_point(std::chrono::seconds(*next)), [this] { expire(); });
}

void Expiry::expire() {
  LoadedState draft = publisher_.current();
  if (drop_expired(draft, base::unix_now()) == 0) return schedule();
  Change change;
  change.record.method = "rule.expire";
  const ChangeAnswer answer = queue_.attempt(change, [&](Change& self) {
    return queue_.publish_with(self, std::move(draft), nlohmann::json::object());
  });
  if (answer) return schedule();
  spdlog::error("W204: expired entries could not be removed: {}", answer.error().message);
  queue_.submit_at(std::chrono::system_clock::now() + kRetry, [this] { expire(); });
}

}  // namespace weir::control
