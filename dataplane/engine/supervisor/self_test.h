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

/// Proves that the workers block: sends each of them requests of its own for a listed and for an unlisted
/// host, over each protocol that is inspected. For the main thread.
class SelfTest {
 public:
  SelfTest(const inspect::InspectorSettings& settings, const std::vector<std::unique_ptr<Worker>>& workers);

  /// Runs it. {"results": [{"lcore", "protocol", "listed": bool, "outcome", "answer", "rule",
  /// "answer_frames"}]}; instead of the last four "error": "worker_silent" for one that did not answer in
  /// time, which ends the test of that worker. "not_inspected" names the protocols that are switched off.
  /// Error code: invalid_params (a host that is none).
  base::Result<nlohmann::json> run(const std::string& listed, const std::string& unlisted);

 private:
  nlohmann::json probe(Worker& worker, base::Protocol protocol, const std::string& host);
  [[nodiscard]] std::uint16_t port_of(base::Protocol protocol) const;
  [[nodiscard]] bool inspects(base::Protocol protocol) const;

  const inspect::InspectorSettings settings_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  proto::QuicCrypto crypto_;
  std::uint64_t requests_;  // made so far, from a random number on
};

}  // namespace weir::engine
