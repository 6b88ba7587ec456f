#include "dataplane/engine/ports/port.h"

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "tests/support/pcap_writer.h"
#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

constexpr std::uint16_t kFrames = 20;

/// A device of one queue that receives a capture of kFrames frames and forgets what is sent.
class CapturePort : public testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::temp_directory_path() / ("weir-port-test-" + std::to_string(getpid()) + ".pcap");
    test::PcapWriter writer(file_.string());
    for (std::uint16_t i = 0; i < kFrames; ++i) writer.write(Bytes(100, static_cast<std::byte>(i)));
  }
  void TearDown() override { std::filesystem::remove(file_); }

  base::Result<std::unique_ptr<Port>> open(std::uint16_t queues) {
    static int made = 0;
    return Port::open(
        {.name = "subscriber",
         .device = "net_pcap_port_test" + std::to_string(made++) + ",rx_pcap=" + file_.string() +
                   ",tx_pcap=/dev/null",
         .role = config::PortRole::subscriber,
         .addresses = {},
         .next_hops = {},
         .line = 7},
        {.pool = environment->pool(), .queues = queues, .descriptors = 64, .config_file = "test.yaml"}, log_);
  }
  static std::uint16_t receive(const Port& port) {
    std::array<rte_mbuf*, kFrames> frames;
    const std::uint16_t count = rte_eth_rx_burst(port.id(), 0, frames.data(), kFrames);
    rte_pktmbuf_free_bulk(frames.data(), count);
    return count;
  }

  LogCapture log_;
  std::filesystem::path file_;
};

TEST_F(CapturePort, WithoutBuffersNothingIsReceivedAndItIsCounted) {
  const auto port = open(1);
  ASSERT_TRUE(port.ok()) << port.error().message;
  std::vector<rte_mbuf*> hoard;
  while (rte_mbuf* mbuf = rte_pktmbuf_alloc(environment->pool())) hoard.push_back(mbuf);
  EXPECT_EQ(receive(*port.value()), 0U);
  EXPECT_EQ(receive(*port.value()), 0U);
  const std::uint64_t missed = port.value()->missed_packets();
  EXPECT_EQ(missed, 2U);
  for (rte_mbuf* mbuf : hoard) rte_pktmbuf_free(mbuf);
  EXPECT_EQ(receive(*port.value()), kFrames - missed) << "it goes on as soon as there are buffers";
  EXPECT_EQ(port.value()->missed_packets(), missed);
}

TEST_F(CapturePort, WorkersShareTheQueuesOfADeviceThatHasFewer) {
  const auto alone = open(1);
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  EXPECT_EQ(alone.value()->transmit_lock(), nullptr);
  const auto shared = open(3);
  ASSERT_TRUE(shared.ok()) << shared.error().message;
  EXPECT_EQ(shared.value()->receive_queues(), 1U);
  EXPECT_EQ(shared.value()->transmit_queues(), 1U);
  EXPECT_NE(shared.value()->transmit_lock(), nullptr);
}

}  // namespace
}  // namespace weir::engine
