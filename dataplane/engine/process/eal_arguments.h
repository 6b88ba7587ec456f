#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::engine {

/// The input for the arguments of rte_eal_init.
struct EalInput {
  std::vector<std::string> user;         // `dataplane.eal`, passed on unchanged
  std::vector<unsigned> workers;         // lcores, each pinned to the CPU with its number
  std::vector<std::string> pci_devices;  // of the ports, with their arguments
  std::filesystem::path socket;          // distinguishes several dataplanes on one machine
  std::vector<unsigned> cpus;            // the CPUs that this process may run on
};

/// The arguments, beginning with the program's name: the user's, and Weir's own where the user gives none:
/// the lcores (a main one beside the workers), the ports' PCI devices and no others, a file prefix, no
/// telemetry socket, no files shared with other processes. Error code: eal_arguments.
base::Result<std::vector<std::string>> eal_arguments(const EalInput& input);

/// True: `arguments` has an option with one of these names, as `--name`, `--name=value`, `-n value` or
/// `-nvalue`.
bool has_option(const std::vector<std::string>& arguments, const std::vector<std::string>& names);

}  // namespace weir::engine
