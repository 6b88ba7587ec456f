#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"
#include "dataplane/engine/workers/worker.h"
#include "dataplane/proto/quic/quic_crypto.h"

namespace weir::engine {

/// Proves that the workers block: gives each of them requests for a listed and for an unlisted host, over
/// each protocol that is inspected. For the main thread.
class SelfTest {
 public:
  SelfTest(const inspect::InspectorSettings& settings, const std::vector<std::unique_ptr<Worker>>& workers);

  /// Runs the test. Returns {"results": [{"lcore", "protocol", "listed": bool, "outcome", "answer", "rule",
  /// "answer_frames"}], "not_inspected": the protocols that are switched off}. If a worker does not answer in
  /// time, its result has "error": "worker_silent" in place of the last four, and its test ends. Error code:
  /// invalid_params (not a host).
  base::Result<nlohmann::json> run(const std::string& listed, const std::string& unlisted);

 private:
  nlohmann::json probe(Worker& worker, base::Protocol protocol, const std::string& host);
  [[nodiscard]] std::uint16_t port_of(base::Protocol protocol) const;
  [[nodiscard]] bool inspects(base::Protocol protocol) const;

  const inspect::InspectorSettings settings_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  proto::QuicCrypto crypto_;
  std::uint64_t requests_;  // grows with each request, from a random number on
};

}  // namespace weir::engine
