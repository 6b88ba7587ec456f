#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <rte_spinlock.h>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/ports/device.h"
#include "dataplane/engine/process/log_capture.h"
#include "dataplane/proto/packet/mac_address.h"

struct rte_eth_dev_info;
struct rte_mempool;

namespace weir::engine {

/// What all ports have in common.
struct PortPlan {
  rte_mempool* pool = nullptr;
  std::uint32_t frame_bytes = 2048;
  std::uint16_t queues = 1;       // receive and transmit queues, one of each for every worker where there are
  std::uint16_t descriptors = 0;  // of each queue; 0: see descriptors_for
  std::string config_file;        // for messages
};

/// One DPDK port of the wire: attached, started, and closed with the object. It changes no packet: no VLAN
/// stripping, no checksums, no coalescing; it takes every frame, whoever it is for.
class Port {
 public:
  /// Attaches the device and starts it. The error names the port, its line and device and says what to do.
  /// Error codes: port_device, port_queues, port_memory, port_failed.
  static base::Result<std::unique_ptr<Port>> open(const config::PortSettings& settings, const PortPlan& plan,
                                                  LogCapture& log);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  /// How many it has: fewer than were planned where the device has no more. A worker beyond them receives
  /// nothing from here; transmit queues are then shared, and sent to under transmit_lock().
  [[nodiscard]] std::uint16_t receive_queues() const noexcept { return receive_queues_; }
  [[nodiscard]] std::uint16_t transmit_queues() const noexcept { return transmit_queues_; }
  /// Null where each worker has a transmit queue of its own.
  [[nodiscard]] rte_spinlock_t* transmit_lock() noexcept {
    return shares_transmit_ ? &transmit_lock_ : nullptr;
  }
  [[nodiscard]] const config::PortSettings& settings() const noexcept { return settings_; }
  /// Whether its driver works on an interface of the kernel's, which takes CAP_NET_ADMIN.
  [[nodiscard]] bool is_on_kernel() const noexcept {
    return !device_.interface.empty() || device_.name.starts_with("net_tap");
  }
  [[nodiscard]] proto::MacAddress mac() const;
  /// Longest IP packet that its link takes, as the kernel has it where the device is an interface of its.
  [[nodiscard]] std::uint16_t mtu() const;
  /// As the driver sees it now, or the kernel where the device is an interface of its.
  [[nodiscard]] bool link_up() const;
  /// Takes the link down, so that the device at its other end sees it, or up. Error code: port_link (the
  /// driver cannot, or may not).
  base::Status set_link(bool up);
  /// Packets that the device had no buffer or descriptor for, where the driver knows.
  [[nodiscard]] std::uint64_t missed_packets() const;

 private:
  Port(config::PortSettings settings, Device device)
      : settings_(std::move(settings)), device_(std::move(device)) {}

  base::Status attach(const PortPlan& plan, LogCapture& log);
  base::Status start(const PortPlan& plan, LogCapture& log);
  base::Status choose_queues(const PortPlan& plan, const rte_eth_dev_info& info);
  base::Status set_up_queues(const PortPlan& plan, LogCapture& log);
  void raise_mtu(const PortPlan& plan);
  [[nodiscard]] base::Error error(const PortPlan& plan, std::string code, const std::string& what,
                                  const std::string& cause = {}) const;

  config::PortSettings settings_;
  Device device_;
  std::uint16_t id_ = 0;
  std::uint16_t receive_queues_ = 1;
  std::uint16_t transmit_queues_ = 1;
  bool shares_transmit_ = false;
  rte_spinlock_t transmit_lock_ = RTE_SPINLOCK_INITIALIZER;
  bool attached_ = false;
};

}  // namespace weir::engine
