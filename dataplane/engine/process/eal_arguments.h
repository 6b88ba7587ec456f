#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::engine {

/// What the arguments of rte_eal_init are made from.
struct EalInput {
  std::vector<std::string> user;         // `dataplane.eal`, passed on as it is
  std::vector<unsigned> workers;         // lcores, each pinned to the CPU of the same number
  std::vector<std::string> pci_devices;  // of the ports, with their arguments
  std::filesystem::path socket;          // tells several dataplanes on one machine apart
  std::vector<unsigned> cpus;            // CPUs that this process may run on
};

/// The user's arguments and, unless the user gave them: the lcores (the main one apart from the workers), the
/// ports' PCI devices and no others, a file prefix of our own, no telemetry socket, no files shared with
/// other processes. The first is the program's name. Error code: eal_arguments.
base::Result<std::vector<std::string>> eal_arguments(const EalInput& input);

/// Whether `arguments` has an option by one of its names: `--name`, `--name=value`, `-n value`, `-nvalue`.
bool has_option(const std::vector<std::string>& arguments, const std::vector<std::string>& names);

}  // namespace weir::engine
