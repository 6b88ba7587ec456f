#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "engine/device.h"
#include "engine/log_capture.h"

struct rte_mempool;

namespace weir::engine {

/// What all ports have in common.
struct PortPlan {
  rte_mempool* pool = nullptr;
  std::uint32_t frame_bytes = 2048;
  std::uint16_t queues = 1;       // receive and transmit queues, one of each for every worker
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
  [[nodiscard]] const config::PortSettings& settings() const noexcept { return settings_; }
  /// As the driver sees it now.
  [[nodiscard]] bool link_up() const;
  /// Packets that the device had no buffer or descriptor for, where the driver knows.
  [[nodiscard]] std::uint64_t missed_packets() const;

 private:
  Port(config::PortSettings settings, Device device)
      : settings_(std::move(settings)), device_(std::move(device)) {}

  base::Status attach(const PortPlan& plan, LogCapture& log);
  base::Status start(const PortPlan& plan, LogCapture& log);
  base::Status set_up_queues(const PortPlan& plan, LogCapture& log);
  void raise_mtu(const PortPlan& plan);
  [[nodiscard]] base::Error error(const PortPlan& plan, std::string code, const std::string& what,
                                  const std::string& cause = {}) const;

  config::PortSettings settings_;
  Device device_;
  std::uint16_t id_ = 0;
  bool attached_ = false;
};

}  // namespace weir::engine
