// Builds a snapshot of RULES rules, looks up every rule, then LOOKUPS random URLs that no rule matches. Exit
// status 1: a rule was missed, or a match was false.
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/url/url.h"
#include "tests/bench/micro/huge_buffer.h"
#include "tests/bench/micro/test_rules.h"

namespace weir::bench {
namespace {

constexpr unsigned kThreads = 2;

struct Tally {
  std::atomic<std::uint64_t> missed{0};
  std::atomic<std::uint64_t> wrong_rule{0};
  std::atomic<std::uint64_t> false_matches{0};
};

match::Match ask(const match::SnapshotView& view, proto::CanonicalUrl& url, const std::string& host,
                 const std::string& path) {
  if (url.assign_request(host, path) != proto::UrlError::none) return {};
  return lookup(view, {.url = &url, .connection_port = 80});
}

void look_up_listed(const match::SnapshotView& view, std::uint64_t begin, std::uint64_t end, Tally& tally) {
  const auto url = std::make_unique<proto::CanonicalUrl>();
  rules::Rule rule;
  for (std::uint64_t i = begin; i < end; ++i) {
    make_rule(static_cast<std::uint32_t>(i), rule);
    const match::Match match = ask(view, *url, rule.host, rule.path.empty() ? "/x" : rule.path);
    if (match.decision != match::Decision::block) {
      ++tally.missed;
    } else if (match.rule != rule.id) {
      ++tally.wrong_rule;
    }
  }
}

// Every other URL is an unlisted page on a host with listed pages.
void look_up_unlisted(const match::SnapshotView& view, std::uint64_t rules, std::uint64_t count,
                      std::uint64_t seed, Tally& tally) {
  const auto url = std::make_unique<proto::CanonicalUrl>();
  std::mt19937_64 random(seed);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number = random();
    const bool known_host = i % 2 == 0;
    const std::string host = known_host ? host_of_rule(static_cast<std::uint32_t>(number % rules / 2 * 2 + 1))
                                        : unlisted_host(number);
    const std::string path = "/a/b/q" + std::to_string(number >> 20);
    if (ask(view, *url, host, path).decision != match::Decision::no_match) ++tally.false_matches;
  }
}

int run(std::uint64_t rules, std::uint64_t lookups) {
  const HugeBuffer snapshot(build_snapshot(static_cast<std::uint32_t>(rules)));
  const match::SnapshotView view = match::SnapshotView::open(snapshot.bytes()).value();
  Tally tally;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      look_up_listed(view, rules * t / kThreads, rules * (t + 1) / kThreads, tally);
      look_up_unlisted(view, rules, lookups / kThreads, t, tally);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf(
      "%llu rules: %llu missed, %llu with another's id; %llu lookups of unlisted URLs: %llu false matches\n",
      static_cast<unsigned long long>(rules), static_cast<unsigned long long>(tally.missed),
      static_cast<unsigned long long>(tally.wrong_rule),
      static_cast<unsigned long long>(lookups / kThreads * kThreads),
      static_cast<unsigned long long>(tally.false_matches));
  return tally.missed + tally.wrong_rule + tally.false_matches == 0 ? 0 : 1;
}

bool read_number(const char* text, std::uint64_t& number) {
  const char* const end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end && number >= 2;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  std::uint64_t rules = 200'000;
  std::uint64_t lookups = 1'000'000;
  // The test run passes Google Benchmark's options to every benchmark.
  if (argc == 2 && std::string_view(argv[1]).starts_with("--benchmark_")) argc = 1;
  if (argc != 1 && (argc != 3 || !weir::bench::read_number(argv[1], rules) ||
                    !weir::bench::read_number(argv[2], lookups) || rules > 1'000'000'000)) {
    std::fprintf(stderr, "usage: bench_false_match [RULES LOOKUPS]\n");
    return 2;
  }
  return weir::bench::run(rules, lookups);
}
