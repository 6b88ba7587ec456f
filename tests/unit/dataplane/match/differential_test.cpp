#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/match/reference_matcher.h"
#include "tests/unit/dataplane/match/snapshot_fixture.h"

namespace weir::match {
namespace {

// Pairs of a rule set and a request. WEIR_DIFFERENTIAL_PAIRS sets another number.
constexpr std::size_t kDefaultPairs = 200000;
constexpr std::size_t kRequestsPerRuleSet = 100;

std::size_t wanted_pairs() {
  const char* const wanted = std::getenv("WEIR_DIFFERENTIAL_PAIRS");
  return wanted == nullptr ? kDefaultPairs : std::strtoull(wanted, nullptr, 10);
}

// Few words, so that rules and requests often match and often differ in one part only.
constexpr std::array<std::string_view, 4> kLabels{"a", "ab", "www", "b"};
constexpr std::array<std::string_view, 3> kBases{"example.com", "shop.test", "ab.example"};
constexpr std::array<std::string_view, 3> kAddresses{"192.0.2.1", "192.0.2.11", "[2001:db8::1]"};
constexpr std::array<std::string_view, 4> kSegments{"a", "ab", "b", "%20"};
constexpr std::array<std::string_view, 4> kQueries{"a", "a=1", "a=1&b", "b"};
constexpr std::array<std::uint16_t, 4> kPorts{81, 443, 8080, 8443};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::vector<ListPolicy> lists() {
    std::vector<ListPolicy> lists(1 + below(4));
    for (ListPolicy& list : lists) {
      list = {.name = "list" + std::to_string(&list - lists.data()),
              .subdomains = one_in(3),
              .www_equivalent = one_in(3),
              .block_host_on_tls = one_in(3),
              .manual = one_in(3)};
    }
    return lists;
  }

  // Built from parts, in canonical form.
  std::vector<Rule> rules(std::size_t list_count) {
    std::vector<Rule> rules(below(25));
    for (std::size_t i = 0; i < rules.size(); ++i) {
      Rule& rule = rules[i];
      rule.kind = static_cast<RuleKind>(below(6));
      rule.action = one_in(5) ? Action::allow : Action::block;
      rule.host = host();
      if (rule.host.front() == '[' || rule.host.front() == '1') {
        if (rule.kind == RuleKind::subdomains) rule.kind = RuleKind::host;
      }
      if (!rule.is_whole_host()) rule.path = path();
      if (rule.kind == RuleKind::prefix) rule.path = directory();
      if (rule.kind == RuleKind::url_query) rule.query = pick(kQueries);
      if (one_in(4)) rule.port = pick(kPorts);
      rule.list = {static_cast<std::uint8_t>(below(list_count))};
      rule.id = {static_cast<std::uint32_t>(i + 1)};
    }
    // Ids are not in the order of add().
    std::shuffle(rules.begin(), rules.end(), random_);
    return rules;
  }

  ReferenceRequest request() {
    ReferenceRequest request;
    request.host = host();
    request.path = one_in(5) ? directory() : path();
    if (one_in(2)) request.query = pick(kQueries);
    if (one_in(3)) request.written_port = pick(kPorts);
    request.connection_port = one_in(2) ? pick(kPorts) : std::uint16_t{80};
    request.encrypted = one_in(3);
    return request;
  }

  std::size_t below(std::size_t end) { return random_() % end; }

 private:
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class T, std::size_t N>
  typename std::array<T, N>::value_type pick(const std::array<T, N>& values) {
    return values[below(N)];
  }

  std::string host() {
    if (one_in(10)) return std::string(pick(kAddresses));
    std::string host(pick(kBases));
    for (std::size_t labels = below(3); labels > 0; --labels) {
      host.insert(0, std::string(pick(kLabels)) + ".");
    }
    // A name that looks like one below an address.
    return one_in(40) ? "a.192.0.2.1" : host;
  }
  std::string directory() {
    std::string path = "/";
    for (std::size_t segments = below(4); segments > 0; --segments)
      path += std::string(pick(kSegments)) + "/";
    return path;
  }
  std::string path() { return one_in(6) ? directory() : directory() + std::string(pick(kSegments)); }

  std::mt19937_64 random_;
};

std::string describe(const ReferenceRequest& request) {
  std::string text = request.encrypted ? "https://" : "http://";
  text += request.host;
  if (request.written_port) text += ":" + std::to_string(*request.written_port);
  return text + request.path + "?" + request.query + " on " + std::to_string(request.connection_port);
}

std::string describe(const std::vector<ListPolicy>& lists, const std::vector<Rule>& rules) {
  std::string text;
  for (const ListPolicy& list : lists) {
    text += "list subdomains=" + std::to_string(list.subdomains) +
            " www=" + std::to_string(list.www_equivalent) +
            " block_host=" + std::to_string(list.block_host_on_tls) + "\n";
  }
  for (const Rule& rule : rules) {
    text += std::to_string(rule.id.value) + " list " + std::to_string(rule.list.value) + " " +
            (rule.action == Action::allow ? "allow " : "block ") + std::string(to_string(rule.kind)) + " " +
            rule.canonical_text() + "\n";
  }
  return text;
}

struct Tally {
  std::size_t block = 0;
  std::size_t allow = 0;
  std::size_t unseen = 0;
  std::size_t pass = 0;

  void count(const Match& match) {
    ++(match.decision == Decision::block   ? block
       : match.decision == Decision::allow ? allow
       : match.path_rules_unseen           ? unseen
                                           : pass);
  }
};

bool is_same(const Match& a, const Match& b) {
  return a.decision == b.decision && a.rule == b.rule && a.list == b.list &&
         a.path_rules_unseen == b.path_rules_unseen && a.path_list == b.path_list;
}

// A rule set as in the dataplane: one snapshot, or a base and an overlay that replaces its manual lists.
struct Compiled {
  std::vector<std::byte> base;
  std::vector<std::byte> overlay;

  Compiled(const std::vector<ListPolicy>& lists, const std::vector<Rule>& rules,
           const std::vector<Rule>& replaced_rules) {
    const auto is_manual = [&](const Rule& rule) { return lists[rule.list.value].manual; };
    SnapshotBuilder whole(kTestHeader, lists);
    SnapshotBuilder changes(kTestHeader, lists);
    for (const Rule& rule : rules) {
      if (!is_manual(rule)) whole.add(rule);
      if (is_manual(rule)) changes.add(rule);
    }
    for (const Rule& rule : replaced_rules) {
      if (is_manual(rule)) whole.add(rule);
    }
    base = whole.build();
    overlay = changes.build_overlay(SnapshotView::open(base).value().id());
  }

  [[nodiscard]] SnapshotView view() const {
    return SnapshotView::join(SnapshotView::open(base).value(), SnapshotView::open(overlay).value()).value();
  }
};

class Comparison {
 public:
  Comparison() {
    for (auto& url : urls_) url = std::make_unique<proto::CanonicalUrl>();
  }

  // Whether the view and the reference agree on kRequestsPerRuleSet requests, one by one and in batches.
  testing::AssertionResult agrees(const SnapshotView& view, const std::vector<ListPolicy>& lists,
                                  const std::vector<Rule>& rules, Generator& generator) {
    for (std::size_t i = 0; i < kRequestsPerRuleSet; ++i) {
      ReferenceRequest request = generator.request();
      const std::string port = request.written_port ? ":" + std::to_string(*request.written_port) : "";
      proto::CanonicalUrl& url = *urls_[i];
      if (url.assign_request(request.host + port, request.path + "?" + request.query) !=
              proto::UrlError::none ||
          url.host() != request.host) {
        return testing::AssertionFailure() << "not canonical: " << describe(request);
      }
      request.host_is_address = url.host_is_address();
      queries_[i] = {.url = &url, .connection_port = request.connection_port, .encrypted = request.encrypted};
      const Match expected = reference_lookup(lists, rules, request);
      const Match match = lookup(view, queries_[i]);
      tally_.count(match);
      if (!is_same(match, expected)) {
        return testing::AssertionFailure() << describe(request) << ": rule " << match.rule.value
                                           << ", expected " << expected.rule.value << "\n"
                                           << describe(lists, rules);
      }
      expected_[i] = expected;
    }
    std::array<Match, kRequestsPerRuleSet> matches;
    const std::size_t count = 1 + generator.below(kRequestsPerRuleSet);
    lookup_batch(view, std::span(queries_).first(count), std::span(matches).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_same(matches[i], expected_[i])) {
        return testing::AssertionFailure() << "in a batch of " << count << ", request " << i << "\n"
                                           << describe(lists, rules);
      }
    }
    return testing::AssertionSuccess();
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  std::array<std::unique_ptr<proto::CanonicalUrl>, kRequestsPerRuleSet> urls_;
  std::array<Query, kRequestsPerRuleSet> queries_;
  std::array<Match, kRequestsPerRuleSet> expected_;
  Tally tally_;
};

TEST(Differential, TheTableDecidesAsTheReferenceDoes) {
  const std::size_t pairs = wanted_pairs();
  Comparison comparison;
  std::uint64_t seed = 20260102;
  for (std::size_t done = 0; done < pairs; done += kRequestsPerRuleSet) {
    Generator generator(++seed);
    const auto lists = generator.lists();
    const auto rules = generator.rules(lists.size());
    if (seed % 2 == 0) {
      const auto bytes = build_snapshot(lists, rules);
      const auto view = SnapshotView::open(bytes);
      ASSERT_TRUE(view.ok()) << view.error().message;
      ASSERT_TRUE(comparison.agrees(view.value(), lists, rules, generator)) << "seed " << seed;
    } else {
      const Compiled compiled(lists, rules, generator.rules(lists.size()));
      ASSERT_TRUE(comparison.agrees(compiled.view(), lists, rules, generator)) << "seed " << seed;
    }
  }
  const Tally& tally = comparison.tally();
  // Enough pairs must match, or the test shows little.
  for (const std::size_t count : {tally.block, tally.allow, tally.unseen, tally.pass}) {
    EXPECT_GT(count, pairs / 50);
  }
  RecordProperty("pairs", std::to_string(pairs));
  RecordProperty("block", std::to_string(tally.block));
  RecordProperty("allow", std::to_string(tally.allow));
  RecordProperty("unseen", std::to_string(tally.unseen));
}

}  // namespace
}  // namespace weir::match
