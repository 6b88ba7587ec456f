// What `check` says of a request, and that it says what the lookup does.
#include "control/api/explain.h"

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "control/api/check.h"
#include "control/proof/enforceability.h"
#include "control/publish/compiler.h"
#include "dataplane/match/lookup.h"

namespace weir::control {
namespace {

using nlohmann::json;

struct TestList {
  ListState policy;
  std::vector<std::string> entries;  // `+` in front: an allow rule
};

/// A view as the publisher makes it; ids count the entries from 1.
View make_view(const std::vector<TestList>& lists) {
  rules::EntryParser parser;
  View view;
  view.state.generation = {7};
  std::uint32_t id = 0;
  for (const TestList& list : lists) {
    view.state.lists.push_back(list.policy);
    const auto content = std::make_shared<ListContent>();
    for (std::string_view entry : list.entries) {
      const bool allow = entry.starts_with('+');
      if (allow) entry.remove_prefix(1);
      auto rule = parser.parse(entry, allow ? rules::Action::allow : rules::Action::block);
      EXPECT_TRUE(rule.ok()) << entry;
      rule.value().id = {++id};
      content->rules.append(rule.value());
    }
    view.contents.push_back(content);
  }
  view.health.resize(lists.size());
  auto snapshot = compile(view.state, view.contents, nullptr);
  EXPECT_TRUE(snapshot.ok());
  view.snapshot = std::move(snapshot).value();
  return view;
}

ListState named(const char* name) {
  ListState state;
  state.name = name;
  return state;
}

TEST(Check, SaysWhy) {
  const View view =
      make_view({{named("hotline"),
                  {"a.example", "*.b.example", "c.example/p/q", "c.example/d/", "c.example/s?id=1",
                   "e.example:8080", "e.example:8080/x", "f.example/p", "g.example",
                   "b\xC3\xBC"
                   "cher.example/p"}},
                 {named("local"), {"+g.example", "+f.example/p", "f.example/p"}}});
  struct Case {
    const char* url;
    const char* verdict;
    int rule;          // 0: none
    const char* kind;  // of the rule
    const char* why;   // code, of what does not match
    std::vector<int> rules;
  };
  const std::vector<Case> cases{
      {"http://a.example/x", "block", 1, "domain", "", {}},
      {"x.a.example", "block", 1, "domain", "", {}},
      {"x.b.example", "block", 2, "subdomains", "", {}},
      {"b.example", "pass", 0, "", "only_hosts_below", {2}},
      {"nowhere.example", "pass", 0, "", "host_unknown", {}},
      {"xa.example", "pass", 0, "", "host_unknown", {}},
      {"c.example/p/q?any", "block", 3, "url", "", {}},
      {"c.example/d/x", "block", 4, "prefix", "", {}},
      {"c.example/p", "pass", 0, "", "path_not_listed", {3, 4, 5}},
      {"c.example", "pass", 0, "", "path_not_listed", {3, 4, 5}},
      {"x.c.example/p/q", "pass", 0, "", "only_host_above", {3, 4, 5}},
      {"c.example/s?id=1", "block", 5, "url_query", "", {}},
      {"c.example/s?id=2", "pass", 0, "", "query_not_listed", {5}},
      {"c.example/s", "pass", 0, "", "query_not_listed", {5}},
      {"e.example:8080", "block", 6, "domain", "", {}},
      {"e.example", "pass", 0, "", "other_port", {6}},
      {"e.example/x", "pass", 0, "", "other_port", {6, 7}},
      {"http://B\xC3\x9C"
       "CHER.example/p",
       "block",
       10,
       "url",
       "",
       {}},
      {"http://XN--BCHER-KVA.example/p", "block", 10, "url", "", {}},
  };
  for (const Case& each : cases) {
    const auto report = check_report(view, each.url);
    ASSERT_TRUE(report.ok()) << each.url;
    const json& answer = report.value();
    EXPECT_EQ(answer["verdict"], each.verdict) << each.url;
    EXPECT_EQ(answer.value("rule", 0), each.rule) << each.url;
    EXPECT_EQ(answer.value("kind", ""), each.kind) << each.url;
    EXPECT_EQ(answer.contains("why"), *each.why != 0) << each.url;
    if (*each.why == 0) continue;
    EXPECT_EQ(answer["why"]["code"], each.why) << each.url;
    EXPECT_EQ(answer["why"]["count"], each.rules.size()) << each.url;
    std::vector<int> rules;
    for (const json& rule : answer["why"]["rules"]) rules.push_back(rule["rule"]);
    EXPECT_EQ(rules, each.rules) << each.url;
  }
}

TEST(Check, AnAllowRuleSaysWhatItOverrides) {
  const View view = make_view({{named("hotline"), {"g.example", "f.example/p", "g.example/x"}},
                               {named("local"), {"+g.example", "+f.example/p", "+free.example"}}});
  const json host = check_report(view, "g.example/x").value();
  EXPECT_EQ(host["reason"], "allow_rule");
  EXPECT_EQ(host["rule"], 4);
  EXPECT_EQ(host["overrides"]["count"], 2);
  EXPECT_EQ(host["overrides"]["rules"][0]["rule"], 1);
  EXPECT_EQ(host["overrides"]["rules"][0]["list"], "hotline");
  const json page = check_report(view, "f.example/p").value();
  EXPECT_EQ(page["overrides"]["count"], 1);
  EXPECT_EQ(page["kind"], "url");
  EXPECT_EQ(check_report(view, "free.example").value()["overrides"]["count"], 0);
}

TEST(Check, TellsProtocols) {
  ListState widened = named("wide");
  widened.block_host_on_tls = true;
  const View view = make_view({{named("hotline"), {"a.example", "c.example/p"}}, {widened, {"w.example/p"}}});
  EXPECT_EQ(check_report(view, "a.example").value()["protocols"], json({"http", "h2c", "tls", "quic"}));
  EXPECT_EQ(check_report(view, "c.example/p").value()["protocols"], json({"http", "h2c"}));
  EXPECT_EQ(check_report(view, "c.example/p").value()["by_protocol"]["tls"]["path_rules_unseen"], true);
  // The host alone, on TLS, by the policy of the list; and why cleartext passes.
  const json wide = check_report(view, "w.example/").value();
  EXPECT_EQ(wide["protocols"], json({"tls", "quic"}));
  EXPECT_EQ(wide["kind"], "url");
  EXPECT_EQ(wide["why"]["code"], "path_not_listed");
}

TEST(Check, InvalidUrlsSayWhatIsWrong) {
  const View view = make_view({{named("hotline"), {"a.example"}}});
  const std::string longest(proto::kMaxUrlBytes + 1, 'a');
  for (const std::string& url : {std::string("http://"), std::string("a.example:x"), std::string("[1::2"),
                                 longest, std::string("a\xFF.example")}) {
    const auto report = check_report(view, url);
    ASSERT_FALSE(report.ok()) << url;
    EXPECT_EQ(report.error().code, "url_invalid");
    EXPECT_GT(report.error().message.size(), 20U);
  }
}

TEST(Check, NeverShowsAnEntry) {
  const View view = make_view({{named("hotline"), {"a.example/secretword", "a.example:8443/secretword"}}});
  for (const char* url : {"a.example", "a.example/x", "x.a.example"}) {
    EXPECT_EQ(check_report(view, url).value().dump().find("secretword"), std::string::npos) << url;
  }
}

TEST(RelatedRules, AreBoundedAndCounted) {
  std::vector<std::string> entries;
  for (int i = 0; i < 1000; ++i) entries.push_back("a.example/p" + std::to_string(i));
  const View view = make_view({{named("hotline"), entries}});
  const json answer = check_report(view, "a.example/x").value();
  EXPECT_EQ(answer["why"]["count"], 1000);
  EXPECT_EQ(answer["why"]["rules"].size(), kMaxNamedRules);
}

// Over random rules, policies and requests a block rule is said to hold exactly when the lookup blocks.
TEST(RelatedRules, AgreeWithTheLookup) {
  std::mt19937 random(20260102);
  const auto pick = [&random](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  const std::vector<std::string> hosts{"a.example",       "www.a.example", "x.a.example",
                                       "www.x.a.example", "y.x.a.example", "b.example",
                                       "192.0.2.1",       "[2001:db8::1]", "1.192.0.2.1.test"};
  const std::vector<std::string> ports{"", "", ":81", ":8080"};
  const std::vector<std::string> paths{"",      "/",      "/p",     "/p/",      "/p/q",
                                       "/p/q/", "/p?i=1", "/p?i=2", "/p/q?i=1", "/?i=1"};
  const auto url = std::make_unique<proto::CanonicalUrl>();
  std::size_t blocked = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<TestList> lists;
    for (std::size_t list = 0; list < 2; ++list) {
      ListState policy = named(list == 0 ? "one" : "two");
      policy.subdomains = random() % 2 == 0;
      policy.www_equivalent = random() % 2 == 0;
      TestList made{policy, {}};
      for (std::size_t i = 0, count = random() % 3; i < count; ++i) {
        const std::string host = pick(hosts);
        const bool wildcard = random() % 5 == 0 &&
                              host.find_first_not_of("[0123456789.:]") != std::string::npos &&
                              host.front() != '[';
        made.entries.push_back(wildcard ? "*." + host : host + pick(ports) + pick(paths));
      }
      lists.push_back(std::move(made));
    }
    const View view = make_view(lists);
    for (int request = 0; request < 60; ++request) {
      const std::string text = pick(hosts) + pick(ports) + pick(paths);
      ASSERT_EQ(url->assign_url(text, proto::PortPolicy::strict), proto::UrlError::none);
      const std::uint16_t port = url->written_port().value_or(80);
      const auto match = match::lookup(view.snapshot->view(), {.url = url.get(), .connection_port = port});
      const bool blocks = match.decision == match::Decision::block;
      ASSERT_EQ(related_rules(view, *url, port).nearest() == Relation::matches, blocks)
          << text << " in round " << round;
      blocked += blocks ? 1 : 0;
    }
  }
  EXPECT_GT(blocked, 1000U);
}

TEST(Enforceability, CountsWhatHoldsWhere) {
  ListState www = named("www");
  www.www_equivalent = true;
  ListState wide = named("wide");
  wide.subdomains = true;
  const View view = make_view({
      {named("plain"),
       {"a.example", "b.example/p", "free.example", "x.free.example/p", "*.free.example", "only.example",
        "x.only.example", "porty.example", "192.0.2.1/p"}},
      {named("local"),
       {"+free.example", "+*.only.example", "+porty.example:81", "+b.example/p", "+192.0.2.1"}},
      {www, {"free.example/p", "x.only.example/p", "only.example/p"}},
      {wide, {"x.only.example/p", "only.example/p"}},
  });
  const auto lists = count_enforceability(view).lists;
  // Overridden: free.example, x.free.example/p, *.free.example, x.only.example, 192.0.2.1/p.
  EXPECT_EQ(lists[0].whole_hosts, 3U);
  EXPECT_EQ(lists[0].paths, 1U);
  EXPECT_EQ(lists[0].overridden, 5U);
  EXPECT_EQ(lists[0].allow_rules, 0U);
  EXPECT_EQ(lists[1].allow_rules, 5U);
  EXPECT_EQ(lists[1].whole_hosts + lists[1].paths + lists[1].overridden, 0U);
  // www.free.example is free as well; www.x.only.example too, while only.example itself is not.
  EXPECT_EQ(lists[2].overridden, 2U);
  EXPECT_EQ(lists[2].paths, 1U);
  EXPECT_EQ(lists[3].overridden, 1U);
  EXPECT_EQ(lists[3].paths, 1U);
}

}  // namespace
}  // namespace weir::control
