#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "match/fingerprint.h"
#include "match/lookup.h"
#include "match/snapshot_builder.h"
#include "match/snapshot_view.h"
#include "proto/url.h"

namespace weir::match {
namespace {

// Requests that are asked in turn: many, so that their table lines are not all in the cache.
constexpr std::size_t kRequests = 4096;

void canonicalise(benchmark::State& state, std::string_view authority, std::string_view target) {
  const auto url = std::make_unique<proto::CanonicalUrl>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(url->assign_request(authority, target));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * (authority.size() + target.size())));
}
BENCHMARK_CAPTURE(canonicalise, name_alone, "www.example.com", "");
BENCHMARK_CAPTURE(canonicalise, typical, "www.example.com",
                  "/images/2026/01/photo-of-a-weir.jpg?width=800&fit=crop");
BENCHMARK_CAPTURE(canonicalise, disguised, "WWW.Example.com.:80",
                  "/a/./b/..//%2569mages%2f..%2f%e2%82%ac?%2541");

void fingerprint(benchmark::State& state) {
  const Fingerprinter fingerprinter({1, 2});
  const std::string text(static_cast<std::size_t>(state.range(0)), 'a');
  for (auto _ : state) benchmark::DoNotOptimize(fingerprinter.of(text));
}
BENCHMARK(fingerprint)->Arg(16)->Arg(64)->Arg(256);

std::string host_of(std::uint64_t number) { return "host" + std::to_string(number) + ".example.com"; }

// Half of the rules for whole hosts, half for pages.
std::vector<std::byte> snapshot_of(std::uint32_t rule_count) {
  SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0}, {{.name = "list"}});
  Rule rule;
  for (std::uint32_t i = 1; i <= rule_count; ++i) {
    rule.id = {i};
    rule.host = host_of(i);
    rule.kind = i % 2 == 0 ? RuleKind::domain : RuleKind::url;
    rule.path = i % 2 == 0 ? "" : "/a/b/page.html";
    builder.add(rule);
  }
  return builder.build();
}

// Google Benchmark calls a function several times; the snapshot of each size is built once.
const std::vector<std::byte>& kept_snapshot_of(std::uint32_t rule_count) {
  static std::map<std::uint32_t, std::vector<std::byte>> snapshots;
  auto& bytes = snapshots[rule_count];
  if (bytes.empty()) bytes = snapshot_of(rule_count);
  return bytes;
}

enum class Ask : std::uint8_t { hit, page_hit, miss };

// A lookup with the canonicalisation of its request, as the dataplane does for each one.
void lookup_request(benchmark::State& state, Ask ask) {
  const auto rule_count = static_cast<std::uint32_t>(state.range(0));
  const auto& bytes = kept_snapshot_of(rule_count);
  const SnapshotView view = SnapshotView::open(bytes).value();
  std::mt19937_64 random(1);
  std::vector<std::string> hosts(kRequests);
  for (std::string& host : hosts) {
    const std::uint64_t pair = random() % (rule_count / 2);
    host = "www." + host_of(2 * pair + 2);
    if (ask == Ask::page_hit) host = host_of(2 * pair + 1);
    if (ask == Ask::miss) host = "www." + host_of(rule_count + 1 + pair);
  }
  const auto url = std::make_unique<proto::CanonicalUrl>();
  std::size_t next = 0;
  std::size_t found = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(url->assign_request(hosts[next++ % kRequests], "/a/b/page.html"));
    const Match match = lookup(view, {.url = url.get(), .connection_port = 80});
    found += match.decision == Decision::block ? 1 : 0;
  }
  const bool all = found == static_cast<std::size_t>(state.iterations());
  if (ask == Ask::miss ? found != 0 : !all) state.SkipWithError("the lookups did not decide as they should");
}
BENCHMARK_CAPTURE(lookup_request, hit, Ask::hit)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(lookup_request, page_hit, Ask::page_hit)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(lookup_request, miss, Ask::miss)->Arg(10'000)->Arg(1'000'000);

void build(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(snapshot_of(static_cast<std::uint32_t>(state.range(0))));
}
BENCHMARK(build)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void open(benchmark::State& state) {
  const auto& bytes = kept_snapshot_of(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    const auto view = SnapshotView::open(bytes);
    if (!view.ok()) state.SkipWithError("the snapshot does not open");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(open)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::match
