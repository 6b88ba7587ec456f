#include "dataplane/engine/ports/port.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <net/if.h>
#include <spdlog/spdlog.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dataplane/engine/ports/kernel_interface.h"

namespace weir::engine {
namespace {

/// What DPDK's MTU does not include: the Ethernet header, two VLAN tags and the frame check sequence.
constexpr std::uint32_t kLinkOverheadBytes = 14 + 2 * 4 + 4;
constexpr std::uint32_t kDefaultFrameBytes = config::MbufSettings{}.frame_bytes;

/// An offload that Weir uses on every device that has it. None may change a packet.
struct Offload {
  std::string_view name;
  std::uint64_t receive_flag = 0;
  std::uint64_t transmit_flag = 0;
};
constexpr std::array kOffloads{
    Offload{.name = "frames in several buffers", .transmit_flag = RTE_ETH_TX_OFFLOAD_MULTI_SEGS},
};

void add_offloads(const rte_eth_dev_info& info, rte_eth_conf& configuration) {
  for (const Offload& offload : kOffloads) {
    configuration.rxmode.offloads |= info.rx_offload_capa & offload.receive_flag;
    configuration.txmode.offloads |= info.tx_offload_capa & offload.transmit_flag;
    const bool is_used =
        ((info.rx_offload_capa & offload.receive_flag) | (info.tx_offload_capa & offload.transmit_flag)) != 0;
    spdlog::debug("{}: offload '{}' {}", info.driver_name, offload.name, is_used ? "is used" : "is missing");
  }
}

rte_eth_conf port_configuration(const rte_eth_dev_info& info, const PortPlan& plan) {
  rte_eth_conf configuration{};
  add_offloads(info, configuration);
  if (plan.queues > 1 && info.flow_type_rss_offloads != 0) {
    configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    configuration.rx_adv_conf.rss_conf.rss_hf =
        info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
  }
  return configuration;
}

}  // namespace

base::Error Port::error(const PortPlan& plan, std::string code, const std::string& what,
                        const std::string& cause) const {
  std::string message = fmt::format("{}:{}: port '{}' (device {}): {}", plan.config_file, settings_.line,
                                    settings_.name, settings_.device, what);
  if (!cause.empty()) message += fmt::format(" (DPDK says: {})", cause);
  return base::Error{.code = std::move(code), .message = std::move(message)};
}

base::Result<std::unique_ptr<Port>> Port::open(const config::PortSettings& settings, const PortPlan& plan,
                                               LogCapture& log) {
  auto device = parse_device(settings.device);
  if (!device) {
    return base::Error{.code = "port_device",
                       .message = fmt::format("{}:{}: port '{}': {}", plan.config_file, settings.line,
                                              settings.name, device.error().message)};
  }
  std::unique_ptr<Port> port(new Port(settings, std::move(device).value()));
  const LogCapture::StdioScope quiet(log);
  if (const auto attached = port->attach(plan, log); !attached) return attached.error();
  if (const auto started = port->start(plan, log); !started) return started.error();
  return port;
}

base::Status Port::attach(const PortPlan& plan, LogCapture& log) {
  if (!device_.interface.empty() && if_nametoindex(device_.interface.c_str()) == 0) {
    return error(plan, "port_device",
                 fmt::format("there is no network interface '{}': check `ip link`, and start Weir in the "
                             "interface's network namespace",
                             device_.interface));
  }
  const bool is_pci = device_.kind == Device::Kind::pci;
  if (is_pci && !std::filesystem::exists("/sys/bus/pci/devices/" + device_.name)) {
    return error(plan, "port_device", "there is no such PCI device: check `dpdk-devbind.py --status`");
  }
  // rte_eal_init has probed PCI devices, and a virtual device may come from `--vdev` in dataplane.eal.
  if (rte_eth_dev_get_port_by_name(device_.name.c_str(), &id_) == 0) {
    attached_ = true;
    return base::ok_status();
  }
  const std::size_t mark = log.mark();
  if (is_pci) {
    return error(
        plan, "port_device",
        "no DPDK driver uses it: bind it to vfio-pci (dpdk-devbind.py --bind=vfio-pci) and enable the "
        "IOMMU");
  }
  const int probed = rte_dev_probe(device_.text.c_str());
  if (probed == 0 && rte_eth_dev_get_port_by_name(device_.name.c_str(), &id_) == 0) {
    attached_ = true;
    return base::ok_status();
  }
  return error(plan, "port_device",
               geteuid() == 0 ? "DPDK cannot attach it: check the name of the driver and its arguments"
                              : "DPDK cannot attach it: run as root, or with CAP_NET_ADMIN and CAP_NET_RAW",
               log.cause_since(mark));
}

base::Status Port::choose_queues(const PortPlan& plan, const rte_eth_dev_info& info) {
  if (info.max_rx_queues == 0 || info.max_tx_queues == 0) {
    return error(plan, "port_queues",
                 fmt::format("it has {} receive and {} transmit queues; Weir needs at least one of each",
                             info.max_rx_queues, info.max_tx_queues));
  }
  // The kernel spreads packets over all queues of such a device, including those that no worker reads.
  if (device_.name.starts_with("net_af_packet") && info.max_rx_queues > plan.queues) {
    return error(
        plan, "port_queues",
        fmt::format("qpairs makes {} queues, but dataplane.workers names {} lcores: name more lcores, or "
                    "lower qpairs",
                    info.max_rx_queues, plan.queues));
  }
  receive_queues_ = std::min(plan.queues, info.max_rx_queues);
  transmit_queues_ = std::min(plan.queues, info.max_tx_queues);
  shares_transmit_ = transmit_queues_ < plan.queues;
  if (shares_transmit_ || receive_queues_ < plan.queues) {
    spdlog::warn(
        "port '{}' has only {} receive and {} transmit queues for {} workers, which share them and are "
        "slower: "
        "give the device more queues (net_af_packet: qpairs=, net_af_xdp: queue_count=)",
        settings_.name, receive_queues_, transmit_queues_, plan.queues);
  }
  return base::ok_status();
}

base::Status Port::set_up_queues(const PortPlan& plan, LogCapture& log) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id_, &info) != 0) return error(plan, "port_failed", "the device does not answer");
  if (auto chosen = choose_queues(plan, info); !chosen) return chosen;
  std::size_t mark = log.mark();
  const rte_eth_conf configuration = port_configuration(info, plan);
  if (rte_eth_dev_configure(id_, receive_queues_, transmit_queues_, &configuration) != 0) {
    return error(plan, "port_failed", "the device does not accept the configuration", log.cause_since(mark));
  }
  raise_mtu(plan);
  std::uint16_t receive = plan.descriptors;
  std::uint16_t transmit = plan.descriptors;
  if (rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit) != 0) {
    return error(plan, "port_failed", "the device does not report how many descriptors it supports");
  }
  mark = log.mark();
  const auto socket = static_cast<unsigned>(std::max(0, rte_eth_dev_socket_id(id_)));
  rte_eth_txconf transmit_configuration = info.default_txconf;
  transmit_configuration.offloads = configuration.txmode.offloads;
  rte_eth_rxconf receive_configuration = info.default_rxconf;
  receive_configuration.offloads = configuration.rxmode.offloads;
  int failed = 0;
  for (std::uint16_t queue = 0; queue < receive_queues_ && failed == 0; ++queue) {
    failed = rte_eth_rx_queue_setup(id_, queue, receive, socket, &receive_configuration, plan.pool);
  }
  for (std::uint16_t queue = 0; queue < transmit_queues_ && failed == 0; ++queue) {
    failed = rte_eth_tx_queue_setup(id_, queue, transmit, socket, &transmit_configuration);
  }
  if (failed == 0) return base::ok_status();
  return error(
      plan, "port_memory",
      fmt::format("its {} queues cannot be set up: give DPDK more memory (-m in dataplane.eal), or raise "
                  "dataplane.mbufs.frame_bytes",
                  receive_queues_ + transmit_queues_),
      log.cause_since(mark));
}

void Port::raise_mtu(const PortPlan& plan) {
  // Other programs may use the kernel interface of a virtual device, too. Its MTU stays as the operator set
  // it, unless the configuration wants larger frames.
  if (device_.kind == Device::Kind::virtual_device && plan.frame_bytes <= kDefaultFrameBytes) return;
  const auto mtu = static_cast<std::uint16_t>(plan.frame_bytes - kLinkOverheadBytes);
  if (mtu <= RTE_ETHER_MTU) return;
  const int failed = rte_eth_dev_set_mtu(id_, mtu);
  if (failed != 0) {
    spdlog::warn("port '{}': the MTU cannot be raised to {} ({}): longer frames may be lost", settings_.name,
                 mtu, rte_strerror(-failed));
  }
}

base::Status Port::start(const PortPlan& plan, LogCapture& log) {
  if (auto queues = set_up_queues(plan, log); !queues) return queues;
  const std::size_t mark = log.mark();
  if (const int failed = rte_eth_dev_start(id_); failed != 0) {
    return error(
        plan, "port_failed",
        fmt::format("the device does not start ({}): check that it is up and that no other program uses it",
                    rte_strerror(-failed)),
        log.cause_since(mark));
  }
  // A wire receives frames for other stations. Devices in memory have no filter to switch off.
  const int promiscuous = rte_eth_promiscuous_enable(id_);
  if (promiscuous != 0 && promiscuous != -ENOTSUP) {
    return error(plan, "port_failed",
                 fmt::format("promiscuous mode cannot be enabled ({}): the wire would lose frames",
                             rte_strerror(-promiscuous)));
  }
  const int multicast = rte_eth_allmulticast_enable(id_);
  if (multicast != 0 && multicast != -ENOTSUP && promiscuous != 0) {
    return error(plan, "port_failed",
                 "reception of all multicast frames cannot be enabled: the wire would lose them");
  }
  return base::ok_status();
}

Port::~Port() {
  if (!attached_) return;
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

proto::MacAddress Port::mac() const {
  rte_ether_addr address{};
  proto::MacAddress mac{};
  if (rte_eth_macaddr_get(id_, &address) == 0) {
    std::transform(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac.begin(),
                   [](std::uint8_t byte) { return std::byte{byte}; });
  }
  return mac;
}

std::uint16_t Port::mtu() const {
  std::uint16_t mtu = RTE_ETHER_MTU;
  rte_eth_dev_get_mtu(id_, &mtu);
  return device_.interface.empty() ? mtu : interface_mtu(device_.interface).value_or(mtu);
}

bool Port::link_up() const {
  // Drivers that use a kernel interface report `up` whatever its state.
  if (!device_.interface.empty()) return interface_has_link(device_.interface);
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

base::Status Port::set_link(bool up) {
  std::string why;
  if (!device_.interface.empty()) {
    auto set = set_interface_up(device_.interface, up);
    if (set) return set;
    why = set.error().message;
  } else {
    const int failed = up ? rte_eth_dev_set_link_up(id_) : rte_eth_dev_set_link_down(id_);
    if (failed == 0) return base::ok_status();
    why = rte_strerror(-failed);
  }
  return base::Error{.code = "port_link", .message = fmt::format("port '{}': {}", settings_.name, why)};
}

std::uint64_t Port::missed_packets() const {
  rte_eth_stats statistics{};
  if (rte_eth_stats_get(id_, &statistics) != 0) return 0;
  return statistics.imissed + statistics.rx_nombuf;
}

}  // namespace weir::engine
