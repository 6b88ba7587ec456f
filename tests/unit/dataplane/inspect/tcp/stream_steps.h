#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/packet_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {

/// One segment of a client, and its outcome. Numbers count from the connection's first byte.
struct StreamStep {
  std::string what;
  std::uint32_t sequence = 0;
  std::string payload;
  std::string outcome;
  std::string flags = "PA";
  std::chrono::seconds later{0};
  std::optional<std::uint32_t> server_next{};  // of the RST to the server
  std::optional<std::uint32_t> client_end{};   // what the answer acknowledges
  std::optional<std::uint16_t> checksum{};     // if not the right one
  std::uint16_t urgent = 0;
};

struct StreamCase {
  std::string name;
  std::vector<StreamStep> steps;
};

/// Inspects the steps of one connection, whose first byte has the sequence number `base`.
void run_stream(TestInspector& inspector, const match::SnapshotView* rules, const StreamCase& test,
                std::uint32_t base);
/// The same with new inspectors and several base numbers, also near the wrap of sequence numbers.
void run_streams(const match::SnapshotView* rules, const std::vector<StreamCase>& tests);

}  // namespace weir::test
