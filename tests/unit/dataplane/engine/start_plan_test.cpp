#include "dataplane/engine/start_plan.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::engine {
namespace {

using testing::HasSubstr;

config::PortSettings port(const char* name, const char* device, config::PortRole role, std::size_t line) {
  return {.name = name, .device = device, .role = role, .addresses = {}, .next_hops = {}, .line = line};
}

config::DataplaneSettings settings() {
  config::DataplaneSettings result;
  result.ports = {port("up", "net_null1", config::PortRole::network, 8),
                  port("down", "01:00.0", config::PortRole::subscriber, 7)};
  return result;
}

TEST(StartPlan, SubscriberComesFirst) {
  const auto plan = make_start_plan(settings(), "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan.value().ports.size(), 2U);
  EXPECT_EQ(plan.value().ports[0].name, "down");
  EXPECT_EQ(plan.value().ports[1].name, "up");
  EXPECT_THAT(plan.value().pci_devices, testing::ElementsAre("0000:01:00.0"));
}

TEST(StartPlan, TheCopysPortComesFirst) {
  auto in = settings();
  in.topology = config::Topology::mirror;
  in.ports = {port("out", "net_null1", config::PortRole::answers, 8),
              port("copy", "net_null0", config::PortRole::mirror, 7)};
  const auto plan = make_start_plan(in, "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan.value().ports[0].name, "copy");
  EXPECT_EQ(plan.value().ports[1].name, "out");
}

TEST(StartPlan, AHopHasAddressesAndNextHops) {
  auto in = settings();
  in.topology = config::Topology::routed;
  in.ports[0].addresses = {"192.0.2.1/24", "2001:db8::1/64"};
  in.ports[0].next_hops = {"192.0.2.2"};
  in.ports[1].addresses = {"10.0.0.1/8"};
  const auto plan = make_start_plan(in, "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto& ports = plan.value().router_ports;
  ASSERT_EQ(ports.size(), 2U);
  ASSERT_EQ(ports[0].addresses.size(), 1U) << "the subscribers' port comes first";
  EXPECT_EQ(ports[0].addresses[0].prefix_bits, 8U);
  EXPECT_TRUE(ports[0].next_hops.empty());
  ASSERT_EQ(ports[1].addresses.size(), 2U);
  EXPECT_TRUE(ports[1].addresses[1].address.is_v6);
  ASSERT_EQ(ports[1].next_hops.size(), 1U);
  EXPECT_EQ(ports[1].next_hops[0].bytes[3], std::byte{2});
}

TEST(StartPlan, AHopMayHaveOneArm) {
  auto in = settings();
  in.topology = config::Topology::routed;
  in.ports = {port("arm", "net_null0", config::PortRole::one_arm, 7)};
  in.ports[0].addresses = {"192.0.2.1/24"};
  in.ports[0].next_hops = {"192.0.2.2"};
  const auto plan = make_start_plan(in, "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan.value().ports.size(), 1U);
  EXPECT_EQ(plan.value().router_ports.size(), 1U);
}

TEST(StartPlan, MapsWhatIsInspected) {
  auto in = settings();
  in.inspect.http = {.any = false, .ports = {80, 8080}};
  in.inspect.tls = {.any = false, .ports = {}};
  in.inspect.quic = {.any = false, .ports = {443, 8443}};
  in.block.tls = config::TlsAnswer::reset;
  in.block.quic = config::QuicAnswer::drop;
  in.flows = {.capacity = 123,
              .lifetime = std::chrono::seconds(7),
              .quic_connections = 77,
              .h2c_connections = 5,
              .reassembly_bytes = 300000};
  in.inspect.encapsulations[base::Encapsulation::gre] = false;
  in.fragments.memory_bytes = 400000;
  const auto plan = make_start_plan(in, "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const auto& inspector = plan.value().inspector;
  EXPECT_EQ(inspector.encapsulations, base::Encapsulations::all_but(base::Encapsulation::gre));
  EXPECT_EQ(inspector.fragment_memory_bytes, 400000U);
  EXPECT_TRUE(inspector.inspect_http);
  EXPECT_THAT(inspector.http_ports, testing::ElementsAre(80, 8080));
  EXPECT_FALSE(inspector.inspect_tls);
  EXPECT_TRUE(inspector.inspect_quic);
  EXPECT_THAT(inspector.quic_ports, testing::ElementsAre(443, 8443));
  EXPECT_EQ(inspector.quic_connections, 77U);
  EXPECT_FALSE(inspector.tls_alert);
  EXPECT_FALSE(inspector.quic_close);
  EXPECT_EQ(inspector.flow_capacity, 123U);
  EXPECT_EQ(inspector.flow_lifetime, std::chrono::seconds(7));
  EXPECT_EQ(inspector.h2c_connections, 5U);
  EXPECT_EQ(inspector.reassembly_bytes, 300000U);
}

TEST(StartPlan, AnyPortIsNoPort) {
  const auto plan = make_start_plan(settings(), "weir.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(plan.value().inspector.inspect_http);
  EXPECT_TRUE(plan.value().inspector.http_ports.empty());
  EXPECT_TRUE(plan.value().inspector.tls_alert);
  EXPECT_TRUE(plan.value().inspector.quic_close);
}

TEST(StartPlan, ErrorsNameFileLineAndRemedy) {
  using Change = void (*)(config::DataplaneSettings&);
  struct Case {
    const char* description;
    Change change;
    const char* says;
  };
  const Case cases[] = {
      {"no ports", [](auto& s) { s.ports.clear(); },
       "weir.yaml: dataplane.ports: no port has the role subscriber"},
      {"one port", [](auto& s) { s.ports.pop_back(); }, "no port has the role subscriber"},
      {"two of a kind", [](auto& s) { s.ports[1].role = config::PortRole::network; },
       "weir.yaml:7: dataplane.ports: 'down' has the role of 'up' (line 8)"},
      {"the same device", [](auto& s) { s.ports[1].device = "net_null1,size=128"; },
       "weir.yaml:8: dataplane.ports: both ports use the device net_null1"},
      {"a broken device", [](auto& s) { s.ports[0].device = "eth 1"; },
       "weir.yaml:8: dataplane.ports: device 'eth 1'"},
      {"no page", [](auto& s) { s.block.http.page = "/nonexistent/page.html"; },
       "cannot use /nonexistent/page.html: No such file"},
      {"a directory as page", [](auto& s) { s.block.http.page = "/"; }, "cannot use /:"},
      {"one port without the role one-arm",
       [](auto& s) {
         s.topology = config::Topology::routed;
         s.ports.pop_back();
       },
       "no port has the role subscriber"},
      {"a wire's ports at a mirror", [](auto& s) { s.topology = config::Topology::mirror; },
       "weir.yaml:8: dataplane.ports: 'up' has the role network, expected mirror or answers"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    auto in = settings();
    row.change(in);
    const auto plan = make_start_plan(in, "weir.yaml");
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().code, "config_invalid");
    EXPECT_THAT(plan.error().message, HasSubstr(row.says));
  }
}

TEST(StartPlan, PageIsReadAndBounded) {
  const auto file = std::filesystem::temp_directory_path() / ("weir-page-" + std::to_string(getpid()));
  struct Case {
    const char* description;
    std::string body;
    const char* says;  // null: accepted
  };
  const Case cases[] = {
      {"a page", "<p>this text is the operator's</p>", nullptr},
      {"the operator's own words", "<p>{{operator}}", nullptr},
      {"a variable that could carry the address", "<p>\n{{url}}", ":2: unknown variable 'url'"},
      {"words that are not set", "<p>{{contact}}", "dataplane.block.http.contact is not set"},
      {"no text", "\xff\xd8", ":1: byte 0xff is not text"},
      {"empty", "", "it is empty"},
      {"too large", std::string((1 << 20) + 1, 'x'), "larger than 1 MiB"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    std::ofstream(file, std::ios::binary) << row.body;
    auto in = settings();
    in.block.http.page = file;
    in.block.http.operator_name = "A & B";
    const auto plan = make_start_plan(in, "weir.yaml");
    if (row.says == nullptr) {
      ASSERT_TRUE(plan.ok()) << plan.error().message;
      const auto response = plan.value().page.response(false);
      const std::string text(reinterpret_cast<const char*>(response.data()), response.size());
      const bool filled = row.body.find("{{operator}}") != std::string::npos;
      EXPECT_THAT(text, HasSubstr(filled ? "<p>A &amp; B" : row.body));
    } else {
      ASSERT_FALSE(plan.ok());
      EXPECT_THAT(plan.error().message, HasSubstr(row.says));
      EXPECT_THAT(plan.error().message, HasSubstr(file.string()));
    }
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace weir::engine
