#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/match/fingerprint.h"
#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"
#include "tests/bench/micro/huge_buffer.h"
#include "tests/bench/micro/sizes.h"
#include "tests/bench/micro/test_rules.h"

namespace weir::bench {
namespace {

// Requests that are looked up in turn: so many that their table lines are not all in the cache.
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
  const match::Fingerprinter fingerprinter({1, 2});
  const std::string text(static_cast<std::size_t>(state.range(0)), 'a');
  for (auto _ : state) benchmark::DoNotOptimize(fingerprinter.of(text));
}
BENCHMARK(fingerprint)->Arg(16)->Arg(64)->Arg(256);

// Google Benchmark calls a function several times. The snapshot of a size is built once and kept until
// another size is needed.
const HugeBuffer& kept_snapshot_of(std::uint32_t rule_count) {
  static std::uint32_t kept = 0;
  static HugeBuffer bytes;
  if (kept != rule_count) {
    bytes = HugeBuffer();
    bytes = HugeBuffer(build_snapshot(rule_count));
    kept = rule_count;
  }
  return bytes;
}

enum class Ask : std::uint8_t { host_hit, page_hit, miss };

std::string host_asked(Ask ask, std::uint32_t rule_count, std::mt19937_64& random) {
  const auto number = static_cast<std::uint32_t>(random() % rule_count);
  if (ask == Ask::host_hit) return "www." + host_of_rule(number / 2 * 2);
  if (ask == Ask::page_hit) return host_of_rule(number / 2 * 2 + 1);
  return "www." + unlisted_host(random());
}

// A lookup with the canonicalisation of its request, as in the dataplane.
void lookup_request(benchmark::State& state, Ask ask) {
  const auto rule_count = static_cast<std::uint32_t>(state.range(0));
  const match::SnapshotView view = match::SnapshotView::open(kept_snapshot_of(rule_count).bytes()).value();
  std::mt19937_64 random(1);
  std::vector<std::string> hosts(kRequests);
  for (std::string& host : hosts) host = host_asked(ask, rule_count, random);
  const auto url = std::make_unique<proto::CanonicalUrl>();
  std::size_t next = 0;
  std::size_t found = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(url->assign_request(hosts[next++ % kRequests], kListedPath));
    const match::Match match = lookup(view, {.url = url.get(), .connection_port = 80});
    found += match.decision == match::Decision::block ? 1 : 0;
  }
  const bool all = found == static_cast<std::size_t>(state.iterations());
  if (ask == Ask::miss ? found != 0 : !all) state.SkipWithError("the lookups did not decide as they should");
}

// Lookups alone, of canonical requests: one by one, or in bursts.
void lookup_alone(benchmark::State& state, std::size_t burst) {
  constexpr std::size_t kUrls = 512;  // each is a quarter of a megabyte
  const auto rule_count = static_cast<std::uint32_t>(state.range(0));
  const match::SnapshotView view = match::SnapshotView::open(kept_snapshot_of(rule_count).bytes()).value();
  std::mt19937_64 random(1);
  std::vector<std::unique_ptr<proto::CanonicalUrl>> urls;
  std::vector<match::Query> queries;
  for (std::size_t i = 0; i < kUrls; ++i) {
    urls.push_back(std::make_unique<proto::CanonicalUrl>());
    const std::string host = host_asked(Ask::miss, rule_count, random);
    if (urls.back()->assign_request(host, kListedPath) != proto::UrlError::none) std::abort();
    queries.push_back({.url = urls.back().get(), .connection_port = 80});
  }
  std::array<match::Match, kUrls> matches;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kUrls; i += burst) {
      lookup_batch(view, std::span(queries).subspan(i, burst), std::span(matches).subspan(i, burst));
    }
    benchmark::DoNotOptimize(matches);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kUrls));
}

// Turns rules in memory into the bytes of the snapshot.
void build(benchmark::State& state) {
  const auto rule_count = static_cast<std::uint32_t>(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = build_snapshot(rule_count).size();
  state.counters["bytes_per_rule"] = static_cast<double>(bytes) / static_cast<double>(rule_count);
}

void open(benchmark::State& state) {
  const auto bytes = kept_snapshot_of(static_cast<std::uint32_t>(state.range(0))).bytes();
  for (auto _ : state) {
    const auto view = match::SnapshotView::open(bytes);
    if (!view.ok()) state.SkipWithError("the snapshot does not open");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes.size()));
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const std::int64_t rules : sizes({10'000, 1'000'000}, {5'000'000, 30'000'000})) {
    benchmark::RegisterBenchmark("build", build)->Arg(rules)->Unit(benchmark::kMillisecond)->Iterations(1);
    benchmark::RegisterBenchmark("open", open)->Arg(rules)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("lookup_request/host_hit", lookup_request, Ask::host_hit)->Arg(rules);
    benchmark::RegisterBenchmark("lookup_request/page_hit", lookup_request, Ask::page_hit)->Arg(rules);
    benchmark::RegisterBenchmark("lookup_request/miss", lookup_request, Ask::miss)->Arg(rules);
    benchmark::RegisterBenchmark("lookup_miss/one_by_one", lookup_alone, 1)->Arg(rules);
    benchmark::RegisterBenchmark("lookup_miss/burst_of_32", lookup_alone, 32)->Arg(rules);
  }
  return true;
}();

}  // namespace
}  // namespace weir::bench
