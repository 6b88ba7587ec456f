#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::http_get;
using test::PcapLink;
using test::TlsHelloBuilder;

const std::string kListed = http_get("listed.example.com");
const std::vector<std::string> kRules{"listed.example.com"};

std::string seen(std::size_t packet) {
  return std::to_string(packet) + " http block listed.example.com/ listed 1";
}

PacketBuilder tcp_to(PacketBuilder below, std::uint16_t port) {
  return below.tcp(40000, port).seq(1000).ack(5000).flags("PA");
}

Step blocked(const std::string& what, PacketBuilder below, std::uint16_t port) {
  return {what, tcp_to(std::move(below), port).payload(kListed).build(), "drop_blocked", Answer::page};
}

Scenario encapsulations() {
  const auto eth = [] { return PacketBuilder().ethernet(); };
  const auto v4 = [](PacketBuilder below) { return below.ipv4("10.0.0.1", "192.0.2.1"); };
  const auto v6 = [](PacketBuilder below) { return below.ipv6("2001:db8::1", "2001:db8::2"); };
  Scenario scenario{
      .name = "TagsOptionsAndExtensionHeaders",
      .rules = kRules,
      .steps =
          {blocked("IPv4", v4(eth()), 81),
           blocked("IPv6", v6(eth()), 82),
           blocked("VLAN", v4(eth().vlan(5)), 83),
           blocked("VLAN with a priority, IPv6", v6(eth().vlan(4094, 0x8100, 7)), 84),
           blocked("QinQ", v4(eth().vlan(100, 0x88a8).vlan(5)), 85),
           blocked("three tags", v6(eth().vlan(1, 0x88a8).vlan(2).vlan(3)), 86),
           blocked("IPv4 options", v4(eth()).ip_options(from_hex("01010101 94040000")), 87),
           blocked("IPv6 hop-by-hop and destination options", v6(eth()).hop_by_hop().destination_options(),
                   88),
           blocked("IPv6 routing header", v6(eth()).routing(), 89),
           {"TCP options",
            tcp_to(v4(eth()), 90).tcp_options(from_hex("0101080a0000000100000002")).payload(kListed).build(),
            "drop_blocked", Answer::page},
           {"link padding after the packet",
            tcp_to(v4(eth()), 91).payload("GET / HTTP/1.1\r\n").trailer(6, std::byte{'x'}).build(),
            "forward_incomplete"}},
      .requests = {}};
  for (std::size_t i = 1; i <= 10; ++i) scenario.requests.push_back(seen(i));
  return scenario;
}

Scenario odd_frames() {
  const auto eth = [] { return PacketBuilder().ethernet(); };
  const auto ip = [&eth] { return eth().ipv4("10.0.0.1", "192.0.2.1"); };
  const auto listed = [](PacketBuilder below) { return tcp_to(std::move(below), 80).payload(kListed); };
  return {
      .name = "FramesThatAreNobodysBusiness",
      .rules = kRules,
      .steps = {{"ARP", eth().arp_request("10.0.0.1", "10.0.0.2").build(), "forward_not_ip"},
                {"LLDP",
                 PacketBuilder()
                     .ethernet(test::kClientMac, "01:80:c2:00:00:0e")
                     .ethertype(0x88cc)
                     .payload("lldp")
                     .build(),
                 "forward_not_ip"},
                {"STP",
                 PacketBuilder()
                     .ethernet(test::kClientMac, "01:80:c2:00:00:00")
                     .length_field()
                     .payload(from_hex("424203 0000"))
                     .build(),
                 "forward_not_ip"},
                {"MPLS", eth().ethertype(0x8847).raw(from_hex("00064140")).payload("x").build(),
                 "forward_not_ip"},
                {"ICMP", ip().protocol(1).payload("ping").build(), "forward_not_candidate"},
                {"IPv6 neighbour discovery",
                 eth().ipv6("fe80::1", "ff02::1:ff00:2").protocol(58).payload(from_hex("87000000")).build(),
                 "forward_not_candidate"},
                {"UDP", ip().udp(40000, 53).payload("query").build(), "forward_not_candidate"},
                {"a SYN", ip().tcp(40000, 80).flags("S").build(), "forward_not_candidate"},
                {"a runt", from_hex("0200000000020200000000010800"), "forward_malformed"},
                {"IP version 9", listed(ip().version(9)).build(), "forward_malformed"},
                {"an IP header that is too short", listed(ip().header_words(2)).build(), "forward_malformed"},
                {"an IP length beyond the frame", listed(ip().length(9000)).build(), "forward_malformed"},
                {"a TCP header that is too short", listed(ip()).header_words(2).build(), "forward_malformed"},
                {"a fragment", listed(ip().fragment(0, true)).build(), "forward_fragment"},
                {"a later fragment", ip().fragment(1480, false).payload("x").build(), "forward_fragment"},
                {"data that is no request", tcp_to(ip(), 81).payload(from_hex("0001020304")).build(),
                 "forward_no_request"}},
      .requests = {}};
}

Scenario jumbo() {
  const std::string filler = "X-Filler: " + std::string(8000, 'x') + "\r\n";
  return {
      .name = "JumboFrames",
      .rules = kRules,
      .steps =
          {{"a large request that passes",
            client(81).payload("GET / HTTP/1.1\r\n" + filler + "Host: www.example.org\r\n\r\n").build(),
            "forward_passed"},
           {"a large request that does not",
            client(82).payload("GET / HTTP/1.1\r\n" + filler + "Host: listed.example.com\r\n\r\n").build(),
            "drop_blocked", Answer::page},
           {"a large hello that does not",
            client(443).payload(TlsHelloBuilder().pad_to(6000).sni("listed.example.com").record()).build(),
            "drop_blocked", Answer::alert},
           {"a large frame of anything", client(83).payload(std::string(8500, '\x01')).build(),
            "forward_no_request"}},
      .requests = {"1 http pass www.example.org/ no_match", seen(2),
                   "3 tls block listed.example.com listed 1"},
      .settings = "  mbufs: {frame_bytes: 9216, count: 4096}\n"};
}

Scenario link(const std::string& name, PcapLink link, PacketBuilder first, PacketBuilder second) {
  return {.name = name,
          .rules = kRules,
          .steps = {blocked("IPv4", first.ipv4("10.0.0.1", "192.0.2.1"), 81),
                    blocked("IPv6", second.ipv6("2001:db8::1", "2001:db8::2"), 82)},
          .requests = {seen(1), seen(2)},
          .link = link};
}

}  // namespace

std::vector<Scenario> frame_scenarios() {
  const PacketBuilder none;
  return {
      encapsulations(),
      odd_frames(),
      jumbo(),
      link("RawIpCapture", PcapLink::raw, none, none),
      link("CookedCapture", PcapLink::linux_sll, PacketBuilder().linux_sll(), PacketBuilder().linux_sll()),
      link("CookedCaptureV2", PcapLink::linux_sll2, PacketBuilder().linux_sll2(),
           PacketBuilder().linux_sll2()),
      link("NullCapture", PcapLink::null, PacketBuilder().loopback(), PacketBuilder().loopback()),
      link("LoopCapture", PcapLink::loop, PacketBuilder().loopback(true), PacketBuilder().loopback(true))};
}

}  // namespace weir::scenario
