#include "dataplane/engine/ports/device.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include <fmt/format.h>

#include "dataplane/base/ascii.h"

namespace weir::engine {
namespace {

/// The value of `key` among the comma-separated arguments after the device's name; empty if it is missing.
std::string argument(const std::string& text, std::string_view key) {
  std::size_t begin = text.find(',');
  while (begin != std::string::npos) {
    const std::size_t end = text.find(',', begin + 1);
    const std::string item = text.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
    const std::size_t equals = item.find('=');
    if (equals != std::string::npos && item.substr(0, equals) == key) return item.substr(equals + 1);
    begin = end;
  }
  return {};
}

/// Drivers that use an existing kernel interface. net_tap's `iface=` names the one that it creates.
bool uses_interface(const std::string& name) {
  return name.starts_with("net_af_packet") || name.starts_with("net_af_xdp") || name.starts_with("net_pcap");
}

}  // namespace

base::Result<Device> parse_device(const std::string& text) {
  const auto invalid = [&](std::string_view why) {
    return base::Error{
        .code = "device_invalid",
        .message = fmt::format("device '{}': {}; expected a PCI address (0000:01:00.0) or a DPDK virtual "
                               "device (net_af_packet0,iface=eth1)",
                               text, why)};
  };
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isgraph(c) == 0; })) {
    return invalid("it contains a space or a control character");
  }
  Device device{.kind = Device::Kind::virtual_device,
                .text = text,
                .name = text.substr(0, text.find(',')),
                .interface = {}};
  static const std::regex kPci("(([0-9a-fA-F]{4,8}):)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]");
  static const std::regex kVirtual("[A-Za-z][A-Za-z0-9_-]{0,62}");
  if (std::smatch match; std::regex_match(device.name, match, kPci)) {
    device.kind = Device::Kind::pci;
    if (!match[2].matched) device.text = "0000:" + device.text;
    device.name = device.text.substr(0, device.text.find(','));
    std::transform(device.name.begin(), device.name.end(), device.name.begin(), base::ascii_lower);
    return device;
  }
  if (!std::regex_match(device.name, kVirtual)) return invalid("it is neither");
  if (uses_interface(device.name)) device.interface = argument(text, "iface");
  return device;
}

}  // namespace weir::engine
