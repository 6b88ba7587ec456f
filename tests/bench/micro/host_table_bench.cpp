// Lookups of hosts with precomputed fingerprints, in the host table and in two baselines: DPDK's hash table
// with lock-free readers over the same keys, and the machine's limit: random cache lines of a buffer of the
// table's size, prefetched in batches.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>

#include "dataplane/match/table_view.h"
#include "dataplane/rules/table_builder.h"
#include "tests/bench/micro/huge_buffer.h"
#include "tests/bench/micro/sizes.h"

namespace weir::bench {
namespace {

using match::Bucket;
using match::Fingerprint;
using match::Slot;
using match::TableEntry;
using match::TableView;
using rules::TableBuilder;

// Looked up in turn: so many that their lines have left the cache before the next turn.
constexpr std::size_t kQueries = std::size_t{1} << 20;
constexpr std::size_t kBurst = 64;

struct Keys {
  std::vector<Fingerprint> listed;
  std::vector<Fingerprint> asked;  // one in a hundred is listed
  std::vector<bool> is_listed;
};

Keys make_keys(std::size_t count) {
  std::mt19937_64 random(count);
  Keys keys;
  keys.listed.reserve(count);
  for (std::size_t i = 0; i < count; ++i) keys.listed.push_back({.low = random(), .high = random()});
  for (std::size_t i = 0; i < kQueries; ++i) {
    const bool hit = random() % 100 == 0;
    keys.is_listed.push_back(hit);
    keys.asked.push_back(hit ? keys.listed[random() % count]
                             : Fingerprint{.low = random(), .high = random()});
  }
  return keys;
}

// Everything for one size. Only one exists at a time, since the largest take gigabytes.
struct Fixture {
  std::size_t count = 0;
  Keys keys;
  HugeBuffer memory;
  TableView table;
  std::unique_ptr<rte_hash, void (*)(rte_hash*)> hash{nullptr, rte_hash_free};
  std::vector<std::uint32_t> signatures;

  static Fixture& of(std::size_t count) {
    std::unique_ptr<Fixture>& current = kept();
    if (!current || current->count != count) {
      current.reset();
      current = std::make_unique<Fixture>(count);
    }
    return *current;
  }
  /// The last one that of() returned; reset it while DPDK still has its memory.
  static std::unique_ptr<Fixture>& kept() {
    static std::unique_ptr<Fixture> fixture;
    return fixture;
  }

  explicit Fixture(std::size_t wanted) : count(wanted), keys(make_keys(wanted)) {
    std::vector<std::byte> bytes;
    TableBuilder builder;
    for (std::size_t i = 0; i < count; ++i) {
      builder.add({.key = keys.listed[i],
                   .value = static_cast<std::uint32_t>(i + 1),
                   .list = 0,
                   .flags = match::kSelf,
                   .primary = true});
    }
    builder.reduce([](const Slot&, bool) {});
    const match::TableRecord record = builder.write(bytes, TableBuilder::Density::fast);
    memory = HugeBuffer(bytes);
    const std::byte* const start = memory.bytes().data();
    table =
        TableView({reinterpret_cast<const Bucket*>(start + record.buckets_offset), record.bucket_count + 1},
                  {reinterpret_cast<const TableEntry*>(start + record.entries_offset), record.entry_count});
    fill_hash();
  }

  void fill_hash() {
    rte_hash_parameters parameters{};
    parameters.name = "baseline";
    parameters.entries = static_cast<std::uint32_t>(count + count / 8 + 64);
    parameters.key_len = sizeof(Fingerprint);
    parameters.hash_func = [](const void* key, std::uint32_t, std::uint32_t) { return signature(key); };
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    hash.reset(rte_hash_create(&parameters));
    if (!hash) throw std::runtime_error(std::string("rte_hash_create: ") + rte_strerror(rte_errno));
    for (const Fingerprint& key : keys.listed) {
      if (rte_hash_add_key(hash.get(), &key) < 0) throw std::runtime_error("rte_hash_add_key failed");
    }
    for (const Fingerprint& key : keys.asked) signatures.push_back(signature(&key));
  }

  static std::uint32_t signature(const void* key) {
    std::uint32_t value = 0;
    std::memcpy(&value, key, sizeof(value));
    return value;
  }
};

void count_items(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kQueries));
}

// Looks up all keys in bursts: look_up(first key, results), both kBurst long.
template <class Result, class LookUp>
void run_bursts(benchmark::State& state, const Fixture& fixture, LookUp&& look_up) {
  std::array<Result, kBurst> results{};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kQueries; i += kBurst) {
    look_up(i, results);
    for (std::size_t k = 0; k < kBurst; ++k) {
      wrong += (static_cast<std::int32_t>(results[k]) >= 0) == fixture.keys.is_listed[i + k] ? 0U : 1U;
    }
  }
  if (wrong != 0) state.SkipWithError("the lookups did not find what they should");
  for (auto _ : state) {
    for (std::size_t i = 0; i < kQueries; i += kBurst) {
      look_up(i, results);
      benchmark::DoNotOptimize(results);
    }
  }
  count_items(state);
}

void host_lookup_weir(benchmark::State& state) {
  Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  run_bursts<std::uint32_t>(state, fixture, [&](std::size_t first, std::span<std::uint32_t> found) {
    fixture.table.find_batch(std::span(fixture.keys.asked).subspan(first, kBurst), found);
  });
  const double bytes = static_cast<double>(fixture.memory.bytes().size());
  state.counters["bytes_per_key"] = bytes / static_cast<double>(fixture.count);
}

void host_lookup_rte_hash(benchmark::State& state) {
  Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  std::array<const void*, kBurst> keys{};
  run_bursts<std::int32_t>(state, fixture, [&](std::size_t first, std::span<std::int32_t> positions) {
    for (std::size_t k = 0; k < kBurst; ++k) keys[k] = &fixture.keys.asked[first + k];
    rte_hash_lookup_with_hash_bulk(fixture.hash.get(), keys.data(), &fixture.signatures[first], kBurst,
                                   positions.data());
  });
}

void host_lookup_random_lines(benchmark::State& state) {
  Fixture& fixture = Fixture::of(static_cast<std::size_t>(state.range(0)));
  constexpr std::size_t kLine = 64;
  const std::span<const std::byte> memory = fixture.memory.bytes();
  const std::size_t lines = std::max<std::size_t>(1, memory.size() / kLine);
  std::vector<std::uint32_t> order;
  for (const Fingerprint& key : fixture.keys.asked) {
    order.push_back(static_cast<std::uint32_t>(key.high % lines));
  }
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kQueries; i += kBurst) {
      for (std::size_t k = 0; k < kBurst; ++k) __builtin_prefetch(memory.data() + order[i + k] * kLine);
      for (std::size_t k = 0; k < kBurst; ++k) {
        sum += std::to_integer<std::uint64_t>(memory[order[i + k] * kLine]);
      }
    }
    benchmark::DoNotOptimize(sum);
  }
  count_items(state);
}

void register_benchmarks() {
  for (const std::int64_t count : sizes({10'000, 1'000'000}, {10'000'000})) {
    benchmark::RegisterBenchmark("host_lookup/weir", host_lookup_weir)
        ->Arg(count)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("host_lookup/rte_hash", host_lookup_rte_hash)
        ->Arg(count)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("host_lookup/random_lines", host_lookup_random_lines)
        ->Arg(count)
        ->Unit(benchmark::kMillisecond);
  }
}

// Free huge pages of 2 MiB.
std::size_t free_huge_pages() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::size_t pages = 0;
  file >> pages;
  return pages;
}

// Uses huge pages if enough are reserved. Without them the baseline pays for TLB misses that the table
// avoids.
bool start_dpdk() {
  constexpr std::size_t kMegabytes = 2048;
  std::vector<std::string> arguments{"bench", "--no-pci", "--log-level=1", "-m", std::to_string(kMegabytes)};
  arguments.emplace_back(free_huge_pages() * 2 >= kMegabytes ? "--in-memory" : "--no-huge");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (!weir::bench::start_dpdk()) return 1;
  weir::bench::register_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  weir::bench::Fixture::kept().reset();
  rte_eal_cleanup();
  return 0;
}
