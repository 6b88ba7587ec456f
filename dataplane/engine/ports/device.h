#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// The device of a port, as the configuration names it: `NAME[,KEY=VALUE]...`.
struct Device {
  enum class Kind { pci, virtual_device };
  Kind kind = Kind::virtual_device;
  std::string text;       // the whole, as DPDK devargs; a PCI address with its domain
  std::string name;       // the PCI address with its domain (0000:01:00.0), or the virtual device's name
  std::string interface;  // the kernel interface that the driver uses (`iface=`); empty: none
};

/// Parses a device string. Error code: device_invalid.
base::Result<Device> parse_device(const std::string& text);

}  // namespace weir::engine
