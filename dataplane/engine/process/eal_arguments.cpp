#include "dataplane/engine/process/eal_arguments.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <rte_config.h>

namespace weir::engine {
namespace {

bool contains(const std::vector<unsigned>& values, unsigned value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

base::Error bad_argument(std::string message) {
  return base::Error{.code = "eal_arguments", .message = std::move(message)};
}

/// Short and stable. DPDK uses it as a directory name, and the path itself may be long and have any
/// character.
std::string file_prefix(const std::filesystem::path& socket) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const std::filesystem::path path = std::filesystem::absolute(socket).lexically_normal();
  for (const char c : path.native()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("weir-{:016x}", hash);
}

/// Pins each worker. The main lcore runs on the other CPUs: it serves the local socket and must not take time
/// from a worker.
base::Result<std::string> lcores(const EalInput& input) {
  for (const unsigned worker : input.workers) {
    if (worker >= RTE_MAX_LCORE) {
      return bad_argument(fmt::format("dataplane.workers: lcore {} is too high: this DPDK has lcores 0 to {}",
                                      worker, RTE_MAX_LCORE - 1));
    }
    if (!contains(input.cpus, worker)) {
      return bad_argument(fmt::format("dataplane.workers: this process may not run on CPU {}, only on {}",
                                      worker, fmt::join(input.cpus, ",")));
    }
  }
  unsigned main_lcore = 0;
  while (contains(input.workers, main_lcore)) ++main_lcore;
  if (main_lcore >= RTE_MAX_LCORE)
    return bad_argument("dataplane.workers: no lcore is left for the main thread");
  std::vector<unsigned> main_cpus;
  std::copy_if(input.cpus.begin(), input.cpus.end(), std::back_inserter(main_cpus),
               [&](unsigned cpu) { return !contains(input.workers, cpu); });
  if (main_cpus.empty()) main_cpus = input.cpus;
  std::string text = fmt::format("--lcores={}@({})", main_lcore, fmt::join(main_cpus, ","));
  for (const unsigned worker : input.workers) text += fmt::format(",{0}@{0}", worker);
  return text;
}

void add_memory_options(const std::vector<std::string>& user, std::vector<std::string>& arguments) {
  // No other process shares the memory. So a crash leaves no files, and no hugetlbfs mount is needed.
  if (has_option(user, {"--file-prefix", "--proc-type", "--no-shconf", "--in-memory"})) return;
  if (has_option(user, {"--no-huge"})) {
    arguments.emplace_back("--no-shconf");
  } else if (!has_option(user, {"--huge-dir", "--huge-unlink", "--legacy-mem"})) {
    arguments.emplace_back("--in-memory");
  }
}

}  // namespace

bool has_option(const std::vector<std::string>& arguments, const std::vector<std::string>& names) {
  for (const std::string& argument : arguments) {
    for (const std::string& name : names) {
      if (argument == name) return true;
      const bool is_long = name.compare(0, 2, "--") == 0;
      if (argument.compare(0, name.size(), name) == 0 && (!is_long || argument[name.size()] == '='))
        return true;
    }
  }
  return false;
}

base::Result<std::vector<std::string>> eal_arguments(const EalInput& input) {
  if (input.workers.empty()) return bad_argument("dataplane.workers: at least one lcore is needed");
  std::vector<std::string> arguments{"weir-dataplane"};
  if (!has_option(input.user, {"-l", "-c", "--lcores", "--main-lcore", "-s", "-S"})) {
    auto text = lcores(input);
    if (!text) return text.error();
    arguments.push_back(std::move(text).value());
    unsigned main_lcore = 0;
    while (contains(input.workers, main_lcore)) ++main_lcore;
    arguments.push_back(fmt::format("--main-lcore={}", main_lcore));
  }
  if (has_option(input.user, {"--no-pci"})) {
    if (!input.pci_devices.empty()) {
      return bad_argument(
          fmt::format("dataplane.eal has --no-pci, but the device of a port is PCI {}: remove either",
                      input.pci_devices.front()));
    }
  } else if (input.pci_devices.empty()) {
    // Otherwise DPDK would probe every NIC of the machine.
    if (!has_option(input.user, {"-a", "--allow", "-b", "--block"})) arguments.emplace_back("--no-pci");
  } else if (!has_option(input.user, {"-a", "--allow", "-b", "--block"})) {
    for (const std::string& device : input.pci_devices) {
      arguments.emplace_back("-a");
      arguments.push_back(device);
    }
  }
  add_memory_options(input.user, arguments);
  if (!has_option(input.user, {"--file-prefix"})) {
    arguments.push_back("--file-prefix=" + file_prefix(input.socket));
  }
  if (!has_option(input.user, {"--telemetry", "--no-telemetry"})) arguments.emplace_back("--no-telemetry");
  arguments.insert(arguments.end(), input.user.begin(), input.user.end());
  return arguments;
}

}  // namespace weir::engine
