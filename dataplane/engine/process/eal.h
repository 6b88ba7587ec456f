#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/engine/process/log_capture.h"

namespace weir::engine {

/// DPDK's environment, from rte_eal_init to rte_eal_cleanup. One in a process, once.
class Eal {
 public:
  /// Starts it. What DPDK says goes to `log`, which must outlive the object; the error is one line that says
  /// what to do. Error code: eal_failed.
  static base::Result<std::unique_ptr<Eal>> start(std::vector<std::string> arguments, LogCapture& log);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  /// Each worker must be an lcore of its own, apart from the main one (the user may have named the lcores).
  [[nodiscard]] base::Status check_workers(const std::vector<unsigned>& workers) const;

 private:
  explicit Eal(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  std::vector<std::string> arguments_;  // DPDK keeps pointers into them
};

/// CPUs that this process may run on, in order.
std::vector<unsigned> usable_cpus();

}  // namespace weir::engine
