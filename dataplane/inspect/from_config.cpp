#include "dataplane/inspect/from_config.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace weir::inspect {
namespace {

constexpr std::size_t kPageBytesLimit = std::size_t{1} << 20;

base::Error invalid(std::string message) {
  return base::Error{.code = "config_invalid", .message = std::move(message)};
}

void select_ports(const config::PortSelection& selection, bool& inspect, PortSet& ports) {
  inspect = selection.any || !selection.ports.empty();
  if (!selection.any) ports = selection.ports;
}

base::Result<std::string> read_page(const std::filesystem::path& file) {
  const auto unusable = [&file](const char* why) {
    return invalid(fmt::format("cannot use {}: {}", file.string(), why));
  };
  errno = 0;
  std::ifstream page(file, std::ios::binary);
  // Read one byte more than allowed, not the whole file: the path may be a device.
  std::string text(kPageBytesLimit + 1, '\0');
  if (page) page.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!page.is_open() || page.bad()) return unusable(std::strerror(errno));
  text.resize(static_cast<std::size_t>(page.gcount()));
  if (text.empty()) return unusable("it is empty");
  if (text.size() > kPageBytesLimit) return unusable("larger than 1 MiB");
  return text;
}

}  // namespace

base::Result<BlockPage> make_block_page(const config::HttpBlockSettings& http, const std::string& file) {
  BlockPage::Settings settings{.status = http.status,
                               .body = {},
                               .redirect = http.redirect,
                               .blocked_by = http.blocked_by,
                               .body_name = http.page.empty() ? "built-in page" : http.page.string(),
                               .texts = {{.name = "operator", .text = http.operator_name},
                                         {.name = "reason", .text = http.reason},
                                         {.name = "contact", .text = http.contact}},
                               .segment_bytes = static_cast<std::uint16_t>(http.segment_bytes)};
  if (!http.page.empty()) {
    auto text = read_page(http.page);
    if (!text) return invalid(fmt::format("{}: dataplane.block.http.page: {}", file, text.error().message));
    settings.body = std::move(text).value();
  }
  auto made = BlockPage::make(settings);
  if (!made) return invalid(fmt::format("{}: dataplane.block.http: {}", file, made.error().message));
  return made;
}

InspectorSettings inspector_settings(const config::DataplaneSettings& settings) {
  InspectorSettings result;
  select_ports(settings.inspect.http, result.inspect_http, result.http_ports);
  select_ports(settings.inspect.tls, result.inspect_tls, result.tls_ports);
  select_ports(settings.inspect.quic, result.inspect_quic, result.quic_ports);
  result.needs_handshake = settings.block.handshake != config::Handshake::none;
  result.checks_acknowledgement = settings.block.handshake == config::Handshake::answered;
  result.page_bytes_per_second = settings.block.http.bytes_per_destination;
  result.tls_alert = settings.block.tls == config::TlsAnswer::alert;
  result.quic_close = settings.block.quic == config::QuicAnswer::close;
  result.drop_unknown_quic = settings.fail.unknown_quic == config::FailMode::closed;
  result.close_flow_table = settings.fail.flow_table == config::FailMode::closed;
  result.close_reassembly = settings.fail.reassembly == config::FailMode::closed;
  result.close_fragments = settings.fail.fragments == config::FailMode::closed;
  result.close_quic_budget = settings.fail.quic_budget == config::FailMode::closed;
  result.flow_capacity = settings.flows.capacity;
  result.flow_lifetime = settings.flows.lifetime;
  result.reassembly_bytes = settings.flows.reassembly_bytes;
  result.quic_connections = settings.flows.quic_connections;
  result.quic_initials_per_source = settings.flows.quic_initials_per_source;
  result.h2c_connections = settings.flows.h2c_connections;
  result.encapsulations = settings.inspect.encapsulations;
  result.fragment_memory_bytes = settings.fragments.memory_bytes;
  return result;
}

}  // namespace weir::inspect
