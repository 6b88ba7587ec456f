// The cost of a new snapshot: to copy and check it (load), to put it into force with a busy reader (publish),
// and the reader's longest delay meanwhile.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/engine/snapshots/snapshot_memory.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/match/lookup.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/bench/micro/sizes.h"
#include "tests/bench/micro/test_rules.h"
#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::bench {
namespace {

using Clock = std::chrono::steady_clock;

using engine::file_of;

// A worker that only looks up, in bursts of 32.
class Reader {
 public:
  Reader(engine::Readers& readers, const engine::SnapshotStore& store)
      : thread_([this, &readers, &store] { run(readers, store); }) {}
  ~Reader() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  [[nodiscard]] std::int64_t take_longest_burst_ns() {
    return longest_.exchange(0, std::memory_order_relaxed);
  }

 private:
  void run(engine::Readers& readers, const engine::SnapshotStore& store) {
    const auto url = std::make_unique<proto::CanonicalUrl>();
    std::uint64_t number = 0;
    readers.online(0);
    while (!stop_.load(std::memory_order_relaxed)) {
      const auto begin = Clock::now();
      const match::SnapshotView* const view = store.current();
      for (int i = 0; i < 32; ++i) {
        if (url->assign_request(unlisted_host(++number), "/") != proto::UrlError::none) continue;
        benchmark::DoNotOptimize(match::lookup(*view, {.url = url.get(), .connection_port = 80}));
      }
      readers.quiescent(0);
      const std::int64_t took = std::chrono::nanoseconds(Clock::now() - begin).count();
      if (took > longest_.load(std::memory_order_relaxed)) longest_.store(took, std::memory_order_relaxed);
    }
    readers.offline(0);
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> longest_{0};
  std::thread thread_;
};

std::unique_ptr<const engine::Snapshot> loaded(const base::FileDescriptor& file) {
  auto snapshot = engine::Snapshot::load(file.get());
  if (!snapshot) throw std::runtime_error(snapshot.error().message);
  return std::move(snapshot).value();
}

void swap_whole(benchmark::State& state) {
  const base::FileDescriptor file = file_of(build_snapshot(static_cast<std::uint32_t>(state.range(0))));
  engine::Readers readers(1);
  engine::SnapshotStore store(readers);
  if (!store.publish(loaded(file))) state.SkipWithError("the first snapshot was not published");
  Reader reader(readers, store);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const std::int64_t steady_ns = reader.take_longest_burst_ns();
  double load_seconds = 0;
  double publish_seconds = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    auto snapshot = loaded(file);
    const auto middle = Clock::now();
    if (!store.publish(std::move(snapshot))) state.SkipWithError("a snapshot was not published");
    load_seconds += std::chrono::duration<double>(middle - begin).count();
    publish_seconds += std::chrono::duration<double>(Clock::now() - middle).count();
  }
  const auto swaps = static_cast<double>(state.iterations());
  state.counters["load_ms"] = 1e3 * load_seconds / swaps;
  state.counters["publish_ms"] = 1e3 * publish_seconds / swaps;
  state.counters["burst_max_us_before"] = static_cast<double>(steady_ns) / 1e3;
  state.counters["burst_max_us_during"] = static_cast<double>(reader.take_longest_burst_ns()) / 1e3;
}

// One manual entry on top of the given number of feed rules: compiled, copied, checked, joined, put into
// force.
void swap_overlay(benchmark::State& state) {
  const std::vector<rules::ListPolicy> lists{{.name = "feed"}, {.name = "manual", .manual = true}};
  rules::SnapshotBuilder::Header header{.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0};
  rules::SnapshotBuilder builder(header, lists);
  rules::Rule rule;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) {
    make_rule(i, rule);
    builder.add(rule);
  }
  engine::Readers readers(1);
  engine::SnapshotStore store(readers);
  if (!store.publish(loaded(file_of(builder.build())))) state.SkipWithError("the base was not published");
  Reader reader(readers, store);
  rule.list = {1};
  for (auto _ : state) {
    ++header.generation.value;
    rules::SnapshotBuilder changes(header, lists);
    changes.add(rule);
    const auto overlay = loaded(file_of(changes.build_overlay(store.active()->view.id())));
    auto joined = engine::Snapshot::join(*store.active(), *overlay);
    if (!joined || !store.publish(std::move(joined).value())) state.SkipWithError("not published");
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const std::int64_t rules : sizes({10'000, 1'000'000}, {5'000'000, 30'000'000})) {
    benchmark::RegisterBenchmark("swap_whole", swap_whole)
        ->Arg(rules)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    benchmark::RegisterBenchmark("swap_overlay", swap_overlay)
        ->Arg(rules)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  return true;
}();

}  // namespace
}  // namespace weir::bench
