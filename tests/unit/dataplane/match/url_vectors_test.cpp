// Each vector of the URL standard's conformance suite, as a list entry, blocks the request that a browser
// sends for it: both have the same canonical form.
#include "tests/unit/dataplane/proto/url/url_vectors.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::match {
namespace {

using proto::BrowserVector;
using proto::Deviation;

class UrlVectors : public testing::Test {
 protected:
  // `block`, `pass`, or the error code of a refused entry.
  std::string outcome(std::string_view entry, std::string_view host, std::string_view target) {
    auto rule = parser_.parse(entry);
    if (!rule.ok()) return rule.error().code;
    rule.value().id = {1};
    rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 1},
                                   {{.name = "list"}});
    builder.add(rule.value());
    const auto bytes = builder.build();
    const auto view = SnapshotView::open(bytes);
    EXPECT_TRUE(view.ok());
    if (url_->assign_request(host, target) != proto::UrlError::none) return "no_url";
    const Match match = lookup(view.value(), {.url = url_.get(), .connection_port = 0});
    return match.decision == Decision::block ? "block" : "pass";
  }

  rules::EntryParser parser_;
  std::unique_ptr<proto::CanonicalUrl> url_ = std::make_unique<proto::CanonicalUrl>();
};

// Whether an outcome other than `block` is right; the reasons are in dataplane/proto/url/README.md.
bool may_differ(const BrowserVector& vector, const std::string& outcome) {
  if (outcome == "entry_public_suffix" || outcome == "entry_ambiguous") return true;  // refused, and said so
  // Punctuation that no resolver accepts in a name.
  if (vector.host.starts_with("!")) return outcome == "entry_bad_wildcard";
  switch (vector.deviation) {
    case Deviation::slashes:
    case Deviation::no_base:
      return outcome == "pass";
    case Deviation::dots:
    case Deviation::controls:
      return outcome == "entry_bad_host";
    case Deviation::port_zero:
      return outcome == "entry_bad_port";
    default:
      return false;
  }
}

TEST_F(UrlVectors, AnEntryBlocksWhatABrowserSendsForIt) {
  std::map<std::string, std::size_t> outcomes;
  for (const BrowserVector& vector : proto::kBrowserVectors) {
    const std::string result = outcome(vector.input, vector.host, vector.target);
    ++outcomes[result];
    if (result != "block") {
      EXPECT_TRUE(may_differ(vector, result)) << vector << ": " << result;
    }
  }
  EXPECT_GT(outcomes["block"], 120U);
}

// The same with a page on the host, so that no entry is refused because it names a whole host.
TEST_F(UrlVectors, SoDoesAPageBelowEachHost) {
  for (const BrowserVector& vector : proto::kBrowserVectors) {
    if (vector.target != "/" || vector.input.back() != '/') continue;
    const std::string result = outcome(std::string(vector.input) + "p", vector.host, "/p");
    if (result != "block") {
      EXPECT_TRUE(may_differ(vector, result)) << vector << ": " << result;
    }
  }
}

}  // namespace
}  // namespace weir::match
