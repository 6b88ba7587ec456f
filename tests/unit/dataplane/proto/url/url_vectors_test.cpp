// The canonical form of the vectors of two standards, and where it differs from theirs.
#include "tests/unit/dataplane/proto/url/url_vectors.h"

#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "dataplane/proto/url/url.h"
#include "tests/unit/dataplane/proto/url/url_line.h"

namespace weir::proto {
namespace {

class Vectors : public testing::Test {
 protected:
  std::string canonical(std::string_view text) {
    const UrlError error = url_->assign_url(text, PortPolicy::strict);
    return url_line(*url_, error);
  }
  std::string canonical_request(std::string_view host, std::string_view target) {
    const UrlError error = url_->assign_request(host, target);
    return url_line(*url_, error);
  }
  // Reading the content of `url_` again, both ways, changes nothing.
  void expect_fixed_point(const std::string& once) {
    if (once.front() == '!') return;
    const std::string authority =
        std::string(url_->host()) + (url_->port() ? ":" + std::to_string(*url_->port()) : "");
    const std::string target(url_->text().substr(url_->host().size()));
    // A request does not show its scheme, so its port 80 counts as none.
    const bool is_unwritten = url_->port() == 80;
    EXPECT_EQ(canonical((is_unwritten ? "https://" : "") + once), once);
    if (!is_unwritten) {
      EXPECT_EQ(canonical_request(authority, target), once);
    }
  }

  std::unique_ptr<CanonicalUrl> url_ = std::make_unique<CanonicalUrl>();
};

struct SafeBrowsingVector {
  std::string_view input;
  std::string_view theirs;  // without `http://`, which Weir drops
  std::string_view canonical = theirs;
  Deviation deviation = Deviation::none;
};

std::ostream& operator<<(std::ostream& out, const SafeBrowsingVector& value) {
  return out << testing::PrintToString(std::string(value.input));
}

// Google's published vectors (Safe Browsing, URLs and Hashing), with reserved names in place of registered
// ones.
constexpr SafeBrowsingVector kSafeBrowsingVectors[] = {
    {"http://host/%25%32%35", "host/%25"},
    {"http://host/%25%32%35%25%32%35", "host/%25%25"},
    {"http://host/%2525252525252525", "host/%25"},
    {"http://host/asdf%25%32%35asd", "host/asdf%25asd"},
    {"http://host/%%%25%32%35asd%%", "host/%25%25%25asd%25%25"},
    {"http://www.example.com/", "www.example.com/"},
    {"http://%31%36%38%2e%31%38%38%2e%39%39%2e%32%36/%2E%73%65%63%75%72%65/"
     "%77%77%77%2E%65%62%61%79%2E%63%6F%6D/",
     "168.188.99.26/.secure/www.ebay.com/"},
    {"http://195.127.0.11/uploads/%20%20%20%20/.verify/"
     ".eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcmlx=hgplmcx/",
     "195.127.0.11/uploads/%20%20%20%20/.verify/"
     ".eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcmlx=hgplmcx/"},
    {"http://host%23.test/"
     "%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833%252944_55%252B",
     "host%23.test/~a!b@c%23d$e%25f^00&11*22(33)44_55+"},
    {"http://3279880203/blah", "195.127.0.11/blah"},
    {"http://www.example.com/blah/..", "www.example.com/"},
    {"www.example.com/", "www.example.com/"},
    {"www.example.com", "www.example.com/"},
    {"http://www.evil.test/blah#frag", "www.evil.test/blah"},
    {"http://www.EXAmple.com/", "www.example.com/"},
    {"http://www.example.com.../", "www.example.com/"},
    {"http://www.example.com/foo\tbar\rbaz\n2", "www.example.com/foobarbaz2"},
    {"http://www.example.com/q?", "www.example.com/q?", "www.example.com/q", Deviation::empty_query},
    {"http://www.example.com/q?r?", "www.example.com/q?r?"},
    {"http://www.example.com/q?r?s", "www.example.com/q?r?s"},
    {"http://evil.test/foo#bar#baz", "evil.test/foo"},
    {"http://evil.test/foo;", "evil.test/foo;"},
    {"http://evil.test/foo?bar;", "evil.test/foo?bar;"},
    {"http://\x01\x80.test/", "%01%80.test/"},
    {"http://notrailingslash.test", "notrailingslash.test/"},
    {"http://www.gotaport.test:1234/", "www.gotaport.test/", "www.gotaport.test:1234/", Deviation::port},
    {"  http://www.example.com/  ", "www.example.com/"},
    {"http:// leadingspace.test/", "%20leadingspace.test/"},
    {"http://%20leadingspace.test/", "%20leadingspace.test/"},
    {"%20leadingspace.test/", "%20leadingspace.test/"},
    {"https://www.securesite.test/", "www.securesite.test/"},
    {"http://host.test/ab%23cd", "host.test/ab%23cd"},
    {"http://host.test//twoslashes?more//slashes", "host.test/twoslashes?more//slashes"},
};

class SafeBrowsing : public Vectors, public testing::WithParamInterface<SafeBrowsingVector> {};

TEST_P(SafeBrowsing, Canonical) {
  const SafeBrowsingVector& vector = GetParam();
  const std::string once = canonical(vector.input);
  EXPECT_EQ(once, vector.canonical);
  EXPECT_EQ(once == vector.theirs, vector.deviation == Deviation::none) << "differs without a reason";
  expect_fixed_point(once);
}

INSTANTIATE_TEST_SUITE_P(Published, SafeBrowsing, testing::ValuesIn(kSafeBrowsingVectors));

class Browser : public Vectors, public testing::WithParamInterface<BrowserVector> {};

TEST_P(Browser, Canonical) {
  const BrowserVector& vector = GetParam();
  const std::string sent = std::string(vector.host) + std::string(vector.target);
  const std::string expected = vector.canonical.empty() ? sent : std::string(vector.canonical);
  const std::string once = canonical(vector.input);
  EXPECT_EQ(once, expected);
  expect_fixed_point(once);
  const std::string request = canonical_request(vector.host, vector.target);
  EXPECT_EQ(request, vector.request.empty() ? expected : std::string(vector.request));
  expect_fixed_point(request);
  EXPECT_EQ(once == sent && request == sent, !vector.deviates()) << "differs without a reason";
}

INSTANTIATE_TEST_SUITE_P(Conformance, Browser, testing::ValuesIn(kBrowserVectors));

TEST(Deviations, EachIsShownByAVector) {
  std::set<Deviation> shown;
  for (const auto& vector : kSafeBrowsingVectors) shown.insert(vector.deviation);
  for (const auto& vector : kBrowserVectors) shown.insert(vector.deviation);
  EXPECT_EQ(shown.size(), static_cast<std::size_t>(Deviation::empty_query) + 1);
}

}  // namespace
}  // namespace weir::proto
