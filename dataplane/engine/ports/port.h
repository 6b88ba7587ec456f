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

/// The settings that all ports share.
struct PortPlan {
  rte_mempool* pool = nullptr;
  std::uint32_t frame_bytes = 2048;
  std::uint16_t queues = 1;       // receive queues, and as many transmit queues: one per worker
  std::uint16_t descriptors = 0;  // of each queue; see descriptors_for
  std::string config_file;        // for messages
};

/// A DPDK port: attached and started by open(), closed with the object. It changes no packet (no VLAN
/// stripping, no checksums, no coalescing), and it receives every frame, whatever its destination.
class Port {
 public:
  /// Attaches the device and starts it. The error names the port, its line and its device, and says what to
  /// do. Error codes: port_device, port_queues, port_memory, port_failed.
  static base::Result<std::unique_ptr<Port>> open(const config::PortSettings& settings, const PortPlan& plan,
                                                  LogCapture& log);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  /// The number of queues: fewer than planned if the device has no more. The workers without a receive queue
  /// receive nothing from this port. Transmit queues are then shared, and used under transmit_lock().
  [[nodiscard]] std::uint16_t receive_queues() const noexcept { return receive_queues_; }
  [[nodiscard]] std::uint16_t transmit_queues() const noexcept { return transmit_queues_; }
  /// Null if each worker has its own transmit queue.
  [[nodiscard]] rte_spinlock_t* transmit_lock() noexcept {
    return shares_transmit_ ? &transmit_lock_ : nullptr;
  }
  [[nodiscard]] const config::PortSettings& settings() const noexcept { return settings_; }
  /// True: the driver uses a kernel interface. That takes CAP_NET_ADMIN.
  [[nodiscard]] bool is_on_kernel() const noexcept {
    return !device_.interface.empty() || device_.name.starts_with("net_tap");
  }
  [[nodiscard]] proto::MacAddress mac() const;
  /// The link's MTU: the kernel interface's if the device uses one, else the driver's.
  [[nodiscard]] std::uint16_t mtu() const;
  /// The state of the link now, by the kernel interface if the device uses one, else by the driver.
  [[nodiscard]] bool link_up() const;
  /// Takes the link up or down; the device at its other end notices. Error code: port_link (the driver does
  /// not support it, or lacks the permission).
  base::Status set_link(bool up);
  /// Packets lost because the device had no free buffer or descriptor, as far as the driver counts them.
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
