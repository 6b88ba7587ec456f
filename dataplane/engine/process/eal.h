#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/engine/process/log_capture.h"

namespace weir::engine {

/// DPDK's environment, from rte_eal_init to rte_eal_cleanup. A process can have it only once.
class Eal {
 public:
  /// Starts it. DPDK's messages go to `log`, which must outlive the object. The error is one line that says
  /// what to do. Error code: eal_failed.
  static base::Result<std::unique_ptr<Eal>> start(std::vector<std::string> arguments, LogCapture& log);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  /// Checks that each worker has its own lcore and that none is the main one: dataplane.eal may have options
  /// about lcores. Error code: eal_failed.
  [[nodiscard]] base::Status check_workers(const std::vector<unsigned>& workers) const;

 private:
  explicit Eal(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}
  std::vector<std::string> arguments_;  // DPDK keeps pointers into them
};

/// The CPUs that this process may run on, in ascending order.
std::vector<unsigned> usable_cpus();

}  // namespace weir::engine
