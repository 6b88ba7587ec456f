#include "dataplane/engine/ports/device.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

struct DeviceCase {
  const char* description;
  const char* text;
  Device::Kind kind;
  const char* name;
  const char* devargs;
  const char* interface;
};

TEST(Device, TakesApartWhatDpdkKnows) {
  const DeviceCase cases[] = {
      {"PCI address", "0000:01:00.0", Device::Kind::pci, "0000:01:00.0", "0000:01:00.0", ""},
      {"PCI address without domain", "01:00.1", Device::Kind::pci, "0000:01:00.1", "0000:01:00.1", ""},
      {"PCI in upper case", "0000:0A:1F.7", Device::Kind::pci, "0000:0a:1f.7", "0000:0A:1F.7", ""},
      {"PCI with arguments", "01:00.0,dv_flow_en=1", Device::Kind::pci, "0000:01:00.0",
       "0000:01:00.0,dv_flow_en=1", ""},
      {"VMD domain", "10000:01:00.0", Device::Kind::pci, "10000:01:00.0", "10000:01:00.0", ""},
      {"packet socket", "net_af_packet0,iface=eth1,blocksz=65536", Device::Kind::virtual_device,
       "net_af_packet0", "net_af_packet0,iface=eth1,blocksz=65536", "eth1"},
      {"interface not first", "net_af_xdp0,force_copy=1,iface=eth2", Device::Kind::virtual_device,
       "net_af_xdp0", "net_af_xdp0,force_copy=1,iface=eth2", "eth2"},
      {"tap", "net_tap0", Device::Kind::virtual_device, "net_tap0", "net_tap0", ""},
      {"tap that names the interface it makes", "net_tap0,iface=new0", Device::Kind::virtual_device,
       "net_tap0", "net_tap0,iface=new0", ""},
      {"an argument that ends alike", "net_pcap0,my_iface=eth1", Device::Kind::virtual_device, "net_pcap0",
       "net_pcap0,my_iface=eth1", ""},
      {"files", "net_pcap0,rx_pcap=/tmp/a.pcap,tx_pcap=/tmp/b.pcap", Device::Kind::virtual_device,
       "net_pcap0", "net_pcap0,rx_pcap=/tmp/a.pcap,tx_pcap=/tmp/b.pcap", ""},
  };
  for (const DeviceCase& row : cases) {
    SCOPED_TRACE(row.description);
    const auto device = parse_device(row.text);
    ASSERT_TRUE(device.ok()) << device.error().message;
    EXPECT_EQ(device.value().kind, row.kind);
    EXPECT_EQ(device.value().name, row.name);
    EXPECT_EQ(device.value().text, row.devargs);
    EXPECT_EQ(device.value().interface, row.interface);
  }
}

TEST(Device, RefusesWhatDpdkCannotKnow) {
  for (const char* text : {"", ",", ",iface=eth1", "01:00", "0000:01:00.8", "eth 1", "net_tap0\n", "-a",
                           "1net", "net/tap0", "\x1b[2J"}) {
    SCOPED_TRACE(text);
    const auto device = parse_device(text);
    ASSERT_FALSE(device.ok());
    EXPECT_EQ(device.error().code, "device_invalid");
    EXPECT_NE(device.error().message.find("expected a PCI address"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::engine
