#include "control/updates/updates.h"

#include <utility>

namespace weir::control {

Updates::Updates(const config::Settings& settings, Publisher& publisher, DataplaneLink& link,
                 storage::AuditLog& audit, StageObserver observer)
    : link_(link),
      queue_(publisher, audit, std::move(observer)),
      rules_(settings, publisher, queue_),
      rollback_(publisher, queue_),
      dataplane_(publisher, link),
      expiry_(publisher, queue_),
      reconciler_(publisher, queue_),
      feeds_(settings, publisher, queue_) {
  queue_.after_each_change([this] { expiry_.schedule(); });
}

Updates::~Updates() { stop(); }

void Updates::start() {
  expiry_.schedule();
  feeds_.start();
  queue_.start();
  link_.start([this](const DataplaneStatus& status) { reconciler_.on_status(status); });
}

void Updates::stop() {
  link_.stop();
  queue_.stop();
  feeds_.stop();
}

bool Updates::finish() {
  if (feeds_.is_answer_due()) return false;
  link_.stop();
  queue_.finish();
  return true;
}

void Updates::add_rule(Caller caller, RuleRequest request, const Done& done) {
  queue_.submit(
      std::move(caller),
      [this, request = std::move(request)](Change& change) { return rules_.add(change, request); }, done);
}

void Updates::remove_rule(Caller caller, RemoveRequest request, const Done& done) {
  queue_.submit(
      std::move(caller),
      [this, request = std::move(request)](Change& change) { return rules_.remove(change, request); }, done);
}

void Updates::reload(Caller caller, std::string list, bool dry_run, const Done& done) {
  feeds_.reload(std::move(caller), std::move(list), dry_run, done);
}

void Updates::diff(Caller caller, std::string list, bool entries, const Done& done) {
  feeds_.diff(std::move(caller), std::move(list), entries, done);
}

void Updates::rollback(Caller caller, std::optional<std::uint64_t> generation, const Done& done) {
  queue_.submit(
      std::move(caller), [this, generation](Change& change) { return rollback_.run(change, generation); },
      done);
}

void Updates::set_enforcement(Caller caller, base::Enforcement enforcement, const Done& done) {
  queue_.submit(
      std::move(caller),
      [this, enforcement](Change& change) { return dataplane_.set_enforcement(change, enforcement); }, done);
}

void Updates::reset_breaker(Caller caller, std::optional<std::uint32_t> rule, const Done& done) {
  queue_.submit(
      std::move(caller), [this, rule](Change& change) { return dataplane_.reset_breaker(change, rule); },
      done);
}

void Updates::make_all_due() { feeds_.make_all_due(); }

}  // namespace weir::control
