#include "dataplane/engine/start_plan.h"

#include <utility>

#include <fmt/format.h>

#include "config/addresses.h"
#include "dataplane/inspect/from_config.h"

namespace weir::engine {
namespace {

base::Error invalid(std::string message) {
  return base::Error{.code = "config_invalid", .message = std::move(message)};
}

proto::IpAddress to_ip(const config::HostAddress& address) {
  return {.bytes = address.bytes, .is_v6 = address.is_v6};
}

// The addresses were checked when the configuration was read.
std::vector<RouterPort> router_ports(const std::vector<config::PortSettings>& ports) {
  std::vector<RouterPort> result;
  for (const config::PortSettings& port : ports) {
    RouterPort& to = result.emplace_back();
    for (const std::string& text : port.addresses) {
      if (const auto own = config::read_interface_address(text)) {
        to.addresses.push_back({.address = to_ip(own->address), .prefix_bits = own->prefix_bits});
      }
    }
    for (const std::string& text : port.next_hops) {
      if (const auto hop = config::read_host_address(text)) to.next_hops.push_back(to_ip(*hop));
    }
  }
  return result;
}

base::Result<std::vector<config::PortSettings>> pair_of_ports(const config::DataplaneSettings& settings,
                                                              const std::string& file) {
  const bool one_arm = settings.topology == config::Topology::routed && settings.ports.size() == 1;
  if (one_arm && settings.ports.front().role == config::PortRole::one_arm) return settings.ports;
  const bool mirror = settings.topology == config::Topology::mirror;
  const config::PortRole first_role = mirror ? config::PortRole::mirror : config::PortRole::subscriber;
  const config::PortRole second_role = mirror ? config::PortRole::answers : config::PortRole::network;
  const config::PortSettings* first = nullptr;
  const config::PortSettings* second = nullptr;
  for (const config::PortSettings& port : settings.ports) {
    if (port.role != first_role && port.role != second_role) {
      return invalid(fmt::format("{}:{}: dataplane.ports: '{}' has the role {}, expected {} or {}", file,
                                 port.line, port.name, config::to_string(port.role),
                                 config::to_string(first_role), config::to_string(second_role)));
    }
    const auto*& place = port.role == first_role ? first : second;
    if (place != nullptr) {
      return invalid(
          fmt::format("{}:{}: dataplane.ports: '{}' has the role of '{}' (line {}): expected "
                      "one {} and one {} port",
                      file, port.line, port.name, place->name, place->line, config::to_string(first_role),
                      config::to_string(second_role)));
    }
    place = &port;
  }
  if (first == nullptr || second == nullptr) {
    return invalid(fmt::format("{}: dataplane.ports: no port has the role {}", file,
                               config::to_string(first == nullptr ? first_role : second_role)));
  }
  return std::vector<config::PortSettings>{*first, *second};
}

base::Status check_devices(StartPlan& plan) {
  std::vector<std::string> names;
  for (const config::PortSettings& port : plan.ports) {
    const auto device = parse_device(port.device);
    const auto where = fmt::format("{}:{}: dataplane.ports: ", plan.config_file, port.line);
    if (!device) return invalid(where + device.error().message);
    if (!names.empty() && names.front() == device.value().name) {
      return invalid(
          where + fmt::format("both ports use the device {}: each needs its own, such as net_af_packet0 and "
                              "net_af_packet1",
                              device.value().name));
    }
    names.push_back(device.value().name);
    if (device.value().kind == Device::Kind::pci) plan.pci_devices.push_back(device.value().text);
  }
  return base::ok_status();
}

}  // namespace

base::Result<StartPlan> make_start_plan(const config::DataplaneSettings& settings,
                                        const std::string& config_file) {
  auto ports = pair_of_ports(settings, config_file);
  if (!ports) return ports.error();
  auto page = inspect::make_block_page(settings.block.http, config_file);
  if (!page) return page.error();
  StartPlan plan{.settings = settings,
                 .config_file = config_file,
                 .ports = std::move(ports).value(),
                 .router_ports = {},
                 .pci_devices = {},
                 .inspector = inspect::inspector_settings(settings),
                 .page = std::move(page).value()};
  if (settings.topology == config::Topology::routed) plan.router_ports = router_ports(plan.ports);
  if (const auto checked = check_devices(plan); !checked) return checked.error();
  return plan;
}

}  // namespace weir::engine
