#include "tests/scenario/dataplane_run.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>
#include <sched.h>

#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/rpc/client.h"
#include "tests/scenario/capture_read.h"

namespace weir::scenario {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_HAS_ADDRESS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WEIR_HAS_ADDRESS_SANITIZER)
constexpr bool kHasAddressSanitizer = true;
#else
constexpr bool kHasAddressSanitizer = false;
#endif

using std::chrono::milliseconds;

/// The last CPU that this process may use, for the worker.
int last_cpu() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  for (int cpu = CPU_SETSIZE - 1; cpu > 0; --cpu) {
    if (CPU_ISSET(cpu, &cpus)) return cpu;
  }
  return 0;
}

std::string configuration(const Scenario& scenario, const TemporaryDirectory& directory) {
  const auto port = [&](const char* name, int number, const char* in, const char* out) {
    return std::string("    - {name: ") + name + ", role: " + name + ", device: \"net_pcap" +
           std::to_string(number) + ",rx_pcap=" + (directory / in).string() +
           ",tx_pcap=" + (directory / out).string() + "\"}\n";
  };
  std::string text = "dataplane:\n  eal: [\"--no-pci\", \"--no-huge\", \"-m\", \"256\"]\n  ports:\n";
  text += port("subscriber", 0, "in.pcap", "to_subscriber.pcap");
  text += port("network", 1, "network.pcap", "to_network.pcap");
  text += "  workers: [" + std::to_string(last_cpu()) + "]\n";
  text += "  socket: " + (directory / "dataplane.sock").string() + "\n";
  text += "  snapshot_dir: " + (directory / "snapshots").string() + "\n";
  // The leak sanitizer uses system calls that the seccomp filter refuses.
  if (kHasAddressSanitizer) text += "  seccomp: false\n";
  return text + settings_of(scenario);
}

std::map<std::string, std::uint64_t> read_outcomes(const std::filesystem::path& socket) {
  std::map<std::string, std::uint64_t> outcomes;
  const auto answer = rpc::call(socket, "counters", nlohmann::json::object(), milliseconds(2000));
  if (!answer) return outcomes;
  for (const auto& family : answer.value()["families"]) {
    if (family["name"] != "weir_packets_total") continue;
    for (const auto& sample : family["samples"]) {
      outcomes[sample["labels"]["outcome"]] = sample["value"].get<std::uint64_t>();
    }
  }
  return outcomes;
}

void exchange(Bytes& frame, std::size_t first, std::size_t second, std::size_t bytes) {
  const auto at = frame.begin();
  std::swap_ranges(at + static_cast<std::ptrdiff_t>(first), at + static_cast<std::ptrdiff_t>(first + bytes),
                   at + static_cast<std::ptrdiff_t>(second));
}

/// Checksums do not depend on the order of addresses and ports.
std::vector<Bytes> echo_of(const Scenario& scenario) {
  std::vector<Bytes> echoes;
  for (const Step& step : scenario.steps) {
    const auto view = proto::parse_packet(step.frame, proto::LinkType::ethernet);
    const bool udp = view.packet_class == proto::PacketClass::udp;
    if (!udp && view.packet_class != proto::PacketClass::tcp) continue;
    Bytes frame = step.frame;
    exchange(frame, 0, 6, 6);
    if ((frame[view.ip_offset] >> 4) == std::byte{4}) {
      exchange(frame, view.ip_offset + 12, view.ip_offset + 16, 4);
    } else {
      exchange(frame, view.ip_offset + 8, view.ip_offset + 24, 16);
    }
    exchange(frame, view.transport_offset, view.transport_offset + 2, 2);
    echoes.push_back(std::move(frame));
  }
  return echoes;
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& outcomes) {
  std::uint64_t total = 0;
  for (const auto& [outcome, count] : outcomes) total += count;
  return total;
}

}  // namespace

DataplaneRun run_dataplane(const Scenario& scenario, const TemporaryDirectory& directory, bool echo) {
  DataplaneRun run;
  if (echo) run.from_network = echo_of(scenario);
  const std::size_t frames = scenario.steps.size() + run.from_network.size();
  write_frames(directory / "in.pcap", scenario);
  {
    test::PcapWriter network(directory / "network.pcap");
    for (const Bytes& frame : run.from_network) network.write(frame);
  }
  std::filesystem::create_directory(directory / "snapshots");
  const Bytes snapshot = snapshot_of(scenario);
  write_text(directory / "snapshots/00000000000000000001.snapshot", test::to_text(snapshot));
  write_text(directory / "dataplane.yaml", configuration(scenario, directory));

  Child child({program("weir-dataplane"), "--config", directory / "dataplane.yaml"},
              directory / "dataplane.out", directory / "dataplane.err");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (sum(run.outcomes) < frames && child.running() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(20));
    run.outcomes = read_outcomes(directory / "dataplane.sock");
  }
  if (child.running()) child.terminate();
  const int status = child.wait();
  std::erase_if(run.outcomes, [](const auto& outcome) { return outcome.second == 0; });
  if (status != 0 || sum(run.outcomes) != frames) {
    run.problem = "exit status " + std::to_string(status) + ", " + std::to_string(sum(run.outcomes)) +
                  " of " + std::to_string(frames) + " frames counted\n" +
                  read_text(directory / "dataplane.err");
    return run;
  }
  run.to_network = read_capture(directory / "to_network.pcap").frames;
  run.to_subscriber = read_capture(directory / "to_subscriber.pcap").frames;
  return run;
}

}  // namespace weir::scenario
