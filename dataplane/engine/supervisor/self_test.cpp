#include "dataplane/engine/supervisor/self_test.h"

#include <array>
#include <random>
#include <thread>
#include <utility>

#include "dataplane/engine/workers/probe.h"
#include "dataplane/proto/reply/synthetic_request.h"
#include "dataplane/proto/url/url.h"

namespace weir::engine {
namespace {

using base::Protocol;
using nlohmann::json;

constexpr std::array kProtocols{Protocol::http, Protocol::tls, Protocol::quic};
/// A worker that does not answer within this time stands still. It is short because the main thread waits.
constexpr std::chrono::milliseconds kPatience{500};
constexpr std::chrono::microseconds kPollInterval{50};

/// Above the ports that systems give to real connections.
constexpr std::uint16_t kFirstSourcePort = 61000;
constexpr std::uint16_t kSourcePorts = 4000;

std::string_view name_of(inspect::AnswerKind answer) {
  switch (answer) {
    case inspect::AnswerKind::none:
      break;
    case inspect::AnswerKind::http_page:
      return "http_page";
    case inspect::AnswerKind::tls_alert:
      return "tls_alert";
    case inspect::AnswerKind::reset:
      return "reset";
    case inspect::AnswerKind::finish:
      return "finish";
    case inspect::AnswerKind::quic_close:
      return "quic_close";
  }
  return "none";
}

bool wait_until_idle(const Probe& probe) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!probe.idle()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

bool is_canonical_host(const std::string& host) {
  proto::CanonicalUrl url;
  return host.size() <= proto::kMaxSyntheticHostBytes &&
         url.assign_request(host, {}) == proto::UrlError::none && url.host() == host;
}

}  // namespace

SelfTest::SelfTest(const inspect::InspectorSettings& settings,
                   const std::vector<std::unique_ptr<Worker>>& workers)
    : settings_(settings), workers_(workers), requests_(std::random_device{}()) {}

bool SelfTest::inspects(Protocol protocol) const {
  switch (protocol) {
    case Protocol::http:
      return settings_.inspect_http;
    case Protocol::tls:
      return settings_.inspect_tls;
    case Protocol::quic:
      return settings_.inspect_quic;
    case Protocol::h2c:
      break;
  }
  return false;
}

std::uint16_t SelfTest::port_of(Protocol protocol) const {
  constexpr std::uint16_t kHttpPort = 80;
  constexpr std::uint16_t kHttpsPort = 443;
  const bool http = protocol == Protocol::http;
  const inspect::PortSet& ports = http                        ? settings_.http_ports
                                  : protocol == Protocol::tls ? settings_.tls_ports
                                                              : settings_.quic_ports;
  if (!ports.empty()) return ports.front();
  return http ? kHttpPort : kHttpsPort;
}

base::Result<json> SelfTest::run(const std::string& listed, const std::string& unlisted) {
  for (const auto& [name, host] : {std::pair("listed", &listed), std::pair("unlisted", &unlisted)}) {
    if (is_canonical_host(*host)) continue;
    return base::Error{.code = "invalid_params",
                       .message = std::string(name) + ": expected a host in canonical form"};
  }
  json report{{"results", json::array()}, {"not_inspected", json::array()}};
  for (const Protocol protocol : kProtocols) {
    if (!inspects(protocol)) report["not_inspected"].push_back(base::to_string(protocol));
  }
  for (const auto& worker : workers_) {
    bool silent = false;
    for (const Protocol protocol : kProtocols) {
      for (const bool is_listed : {true, false}) {
        if (silent || !inspects(protocol)) continue;
        json result = probe(*worker, protocol, is_listed ? listed : unlisted);
        result["lcore"] = worker->lcore();
        result["protocol"] = base::to_string(protocol);
        result["listed"] = is_listed;
        silent = result.contains("error");
        report["results"].push_back(std::move(result));
      }
    }
  }
  return report;
}

json SelfTest::probe(Worker& worker, Protocol protocol, const std::string& host) {
  Probe& probe = worker.probe();
  // A worker that was silent may still have the last frame.
  if (!probe.idle()) return {{"error", "worker_silent"}};
  ++requests_;
  const std::size_t bytes = proto::build_synthetic_request(
      crypto_,
      {.protocol = protocol,
       .host = host,
       .source_port = static_cast<std::uint16_t>(kFirstSourcePort + requests_ % kSourcePorts),
       .destination_port = port_of(protocol),
       .random = requests_},
      probe.room());
  probe.post(bytes);
  if (!wait_until_idle(probe)) return {{"error", "worker_silent"}};
  const Probe::Finding& finding = probe.finding();
  return {{"outcome", base::to_string(finding.outcome)},
          {"answer", name_of(finding.answer)},
          {"rule", finding.rule.value},
          {"answer_frames", finding.answer_frames}};
}

}  // namespace weir::engine
