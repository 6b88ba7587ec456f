#include "control/updates/reconciler.h"

#include <algorithm>
#include <exception>

#include <spdlog/spdlog.h>

#include "dataplane/base/unix_time.h"

namespace weir::control {

void Reconciler::on_status(const DataplaneStatus& status) {
  const auto view = publisher_.view();
  const base::Generation ours = view->state.generation;
  if (!status.up || ours.value == 0) return;
  // If the dataplane loaded the generation from disk on its own, only publish_error remains to be cleared.
  if (status.generation == ours && !view->awaits_dataplane) return;
  if (base::unix_now() < not_before_unix_seconds_.load(std::memory_order_relaxed)) return;
  if (is_queued_.exchange(true, std::memory_order_acq_rel)) return;
  queue_.submit_own([this] { reconcile(); });
}

void Reconciler::reconcile() {
  constexpr unsigned max_doublings = 6;
  StageTimes times;
  base::Status status = base::ok_status();
  try {
    status = publisher_.reconcile(times);
  } catch (const std::exception& exception) {
    status = base::Error{"internal", exception.what()};
  }
  if (status) {
    failures_ = 0;
  } else {
    // A refused snapshot is large and will be refused again, so back off.
    failures_ = std::min(failures_ + 1, max_doublings);
    not_before_unix_seconds_.store(base::unix_now() + (1 << failures_), std::memory_order_relaxed);
    spdlog::error("W205: the dataplane did not accept the current generation: {}", status.error().message);
  }
  is_queued_.store(false, std::memory_order_release);
}

}  // namespace weir::control
