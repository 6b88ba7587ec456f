#pragma once

#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// A port's device as the configuration names it: `NAME[,KEY=VALUE]...`.
struct Device {
  enum class Kind { pci, virtual_device };
  Kind kind = Kind::virtual_device;
  std::string text;       // the whole, as DPDK's devargs; a PCI address with its domain
  std::string name;       // PCI address with domain (0000:01:00.0), or the virtual device's name
  std::string interface;  // kernel interface that must exist (`iface=` of drivers that use one); else empty
};

/// Takes a device string apart. Error code: device_invalid.
base::Result<Device> parse_device(const std::string& text);

}  // namespace weir::engine
