#include "dataplane/engine/process/eal.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "dataplane/engine/process/eal_arguments.h"

namespace weir::engine {
namespace {

std::uint64_t free_huge_pages() {
  std::uint64_t total = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    std::ifstream file(entry.path() / "free_hugepages");
    std::uint64_t pages = 0;
    if (file >> pages) total += pages;
  }
  return total;
}

base::Error failure(const std::string& what, const std::string& cause) {
  std::string message = "DPDK does not start: " + what;
  if (!cause.empty()) message += " (DPDK says: " + cause + ")";
  return base::Error{.code = "eal_failed", .message = std::move(message)};
}

std::string advice(const std::vector<std::string>& arguments, int error) {
  if (error == EINVAL) return "it does not accept the arguments in dataplane.eal";
  if (geteuid() != 0)
    return "run it as root, or with CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK and CAP_SYS_ADMIN";
  if (error == ENOMEM || !has_option(arguments, {"--no-huge"})) {
    return "there may be too little memory: reserve more huge pages, or change -m in dataplane.eal";
  }
  return rte_strerror(error);
}

}  // namespace

base::Result<std::unique_ptr<Eal>> Eal::start(std::vector<std::string> arguments, LogCapture& log) {
  if (!has_option(arguments, {"--no-huge"}) && free_huge_pages() == 0) {
    return failure(
        "no huge page is free: reserve some (echo 512 > "
        "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages), "
        "or, in a laboratory, add --no-huge to dataplane.eal",
        {});
  }
  if (log.stream() != nullptr) rte_openlog_stream(log.stream());
  std::unique_ptr<Eal> eal(new Eal(std::move(arguments)));
  std::vector<char*> pointers;
  for (std::string& argument : eal->arguments_) pointers.push_back(argument.data());
  const std::size_t mark = log.mark();
  int result = 0;
  {
    const LogCapture::StdioScope quiet(log);
    result = rte_eal_init(static_cast<int>(pointers.size()), pointers.data());
  }
  if (result >= 0) return eal;
  const base::Error error = failure(advice(eal->arguments_, rte_errno), log.cause_since(mark));
  rte_openlog_stream(nullptr);
  // After a failed start there is nothing to clean up. The arguments stay: DPDK may still point to them.
  static_cast<void>(eal.release());
  return error;
}

Eal::~Eal() {
  rte_eal_cleanup();
  rte_openlog_stream(nullptr);
}

base::Status Eal::check_workers(const std::vector<unsigned>& workers) const {
  for (const unsigned worker : workers) {
    if (rte_lcore_is_enabled(worker) == 0 || worker == rte_get_main_lcore()) {
      return base::Error{
          .code = "eal_failed",
          .message =
              fmt::format("dataplane.workers: lcore {} is {} by the lcore options in dataplane.eal: remove "
                          "these options, or name this lcore there and another one as --main-lcore",
                          worker, worker == rte_get_main_lcore() ? "made the main lcore" : "left out")};
    }
  }
  return base::ok_status();
}

std::vector<unsigned> usable_cpus() {
  std::vector<unsigned> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace weir::engine
