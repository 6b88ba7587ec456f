#include "dataplane/rules/entry_parser.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <idn2.h>
#include <libpsl.h>

#include "dataplane/base/percent_encoding.h"
#include "dataplane/proto/url/url.h"

namespace weir::rules {
namespace {

using proto::CanonicalUrl;
using proto::PortPolicy;
using proto::UrlError;

constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035, 2.3.4, without the root's dot
constexpr std::size_t kMaxLabelBytes = 63;  // RFC 1035, 2.3.4

base::Error url_error(UrlError error) {
  switch (error) {
    case UrlError::too_long:
      return {"entry_too_long", "the entry is too long for a URL"};
    case UrlError::empty_host:
      return {"entry_bad_host", "there is no host; expected HOST, HOST/PATH or a URL"};
    case UrlError::host_too_long:
      return {"entry_bad_host", "the host is too long; a name has at most 253 bytes"};
    case UrlError::bad_port:
      return {"entry_bad_port",
              "the text after the colon of the host is no port; expected a number from 1 to 65535"};
    case UrlError::bad_address:
      return {"entry_bad_address", "the text in brackets is no IPv6 address"};
    case UrlError::none:
      break;
  }
  return {"entry_bad_host", "the entry cannot be read"};
}

bool is_name_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Names as resolvers accept them: letters, digits, hyphens, and the underscores that some hosts have.
base::Status check_name(std::string_view name) {
  if (name.size() > kMaxNameBytes) return url_error(UrlError::host_too_long);
  if (name.find('*') != std::string_view::npos) {
    return base::Error{"entry_bad_wildcard", "a wildcard may only be the first label, as in *.example.com"};
  }
  if (!std::all_of(name.begin(), name.end(), is_name_byte)) {
    return base::Error{
        "entry_bad_host",
        "the host has a byte that host names cannot have; expected letters, digits, hyphens and dots (one "
        "entry per line, nothing before it)"};
  }
  for (std::size_t start = 0; start < name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    if (end - start > kMaxLabelBytes) {
      return base::Error{"entry_bad_host", "a label of the host is too long; it has at most 63 bytes"};
    }
    start = end + 1;
  }
  return base::ok_status();
}

using IdnName = std::unique_ptr<char, void (*)(void*)>;

base::Result<IdnName> map_name(const std::string& name, int flags) {
  char* result = nullptr;
  const int status = idn2_to_ascii_8z(name.c_str(), &result, flags);
  IdnName owner(result, idn2_free);
  if (status == IDN2_OK) return owner;
  return base::Error{"entry_bad_host",
                     std::string("the internationalised host name is not valid: ") + idn2_strerror(status)};
}

// The characters that transitional mapping maps differently (UTS #46, 4: deviations, and capital sharp s).
bool has_deviation_character(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> kCharacters{"\xC3\x9F", "\xCF\x82", "\xE2\x80\x8C",
                                                        "\xE2\x80\x8D", "\xE1\xBA\x9E"};
  return std::any_of(kCharacters.begin(), kCharacters.end(),
                     [name](std::string_view text) { return name.find(text) != std::string_view::npos; });
}

// A-labels of a name in percent-encoded UTF-8.
//
// Browsers accept symbols too (UTS #46, validity criteria), and such names are registered. libidn2 refuses
// them (IDNA 2008) unless the mapping is transitional. For a name without deviation characters both mappings
// give the same result.
base::Result<std::string> to_a_labels(std::string_view host) {
  std::string name(host.size(), '\0');
  name.resize(base::percent_decode_fully(host, name.data()));
  const bool has_unicode = std::any_of(name.begin(), name.end(), [](char c) { return (c & 0x80) != 0; });
  if (!has_unicode || name.find('\0') != std::string::npos) return std::string(host);
  auto mapped = map_name(name, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  if (!mapped.ok() && !has_deviation_character(name)) {
    auto again = map_name(name, IDN2_TRANSITIONAL | IDN2_NFC_INPUT);
    if (again.ok()) return std::string(again.value().get());
  }
  if (!mapped.ok()) return mapped.error();
  return std::string(mapped.value().get());
}

bool has_encoded_host(const CanonicalUrl& url) noexcept {
  return url.host().find('%') != std::string_view::npos;
}

// Puts the host in A-labels, without its first `skipped` bytes. The result of the mapping is canonicalised
// again: it may be something new, such as an address that was written in full-width digits.
base::Status use_a_labels(CanonicalUrl& url, std::size_t skipped) {
  auto host = to_a_labels(url.host().substr(skipped));
  if (!host.ok()) return host.error();
  std::string text(scheme_for_port(url.port()));
  text += host.value();
  if (url.port()) text += ":" + std::to_string(*url.port());
  text += url.text().substr(url.host().size());
  const UrlError error = url.assign_url(text, PortPolicy::strict);
  if (error != UrlError::none) return url_error(error);
  return base::ok_status();
}

RuleKind path_kind(const CanonicalUrl& url) noexcept {
  if (url.has_query()) return RuleKind::url_query;
  if (url.path() == "/") return RuleKind::domain;
  return url.path().ends_with('/') ? RuleKind::prefix : RuleKind::url;
}

}  // namespace

base::Status canonicalise_like_browser(std::string_view text, CanonicalUrl& url) {
  const UrlError error = url.assign_url(text, PortPolicy::strict);
  if (error != UrlError::none) return url_error(error);
  return has_encoded_host(url) ? use_a_labels(url, 0) : base::ok_status();
}

struct EntryParser::State {
  CanonicalUrl url;
  const psl_ctx_t* public_suffixes = psl_builtin();

  /// What stood before and after the host; `url` no longer has it.
  struct Written {
    bool has_wildcard = false;
    bool names_host_alone = false;
  };
  base::Result<Written> canonicalise(std::string_view entry);
  base::Status check_whole_host(const Rule& rule) const;
};

base::Result<EntryParser::State::Written> EntryParser::State::canonicalise(std::string_view entry) {
  const UrlError error = url.assign_url(entry, PortPolicy::strict);
  if (error != UrlError::none) return url_error(error);
  const Written written{.has_wildcard = url.host().starts_with(kWildcard),
                        .names_host_alone = url.names_host_alone()};
  if (!written.has_wildcard && !has_encoded_host(url)) return written;
  if (auto status = use_a_labels(url, written.has_wildcard ? kWildcard.size() : 0); !status.ok()) {
    return status.error();
  }
  return written;
}

base::Status EntryParser::State::check_whole_host(const Rule& rule) const {
  if (rule.host.find('.') == std::string::npos) {
    return base::Error{"entry_public_suffix",
                       "the entry names a bare top-level domain; expected a host below it"};
  }
  if (psl_is_public_suffix(public_suffixes, rule.host.c_str()) != 0) {
    return base::Error{"entry_public_suffix",
                       "the entry names a public suffix, under which others register names; expected a host "
                       "below it, or a path"};
  }
  return base::ok_status();
}

EntryParser::EntryParser() : state_(std::make_unique<State>()) {
  if (state_->public_suffixes == nullptr) {
    throw std::runtime_error(
        "libpsl has no built-in list of public suffixes: install the package libpsl5 of Debian");
  }
}

EntryParser::~EntryParser() = default;

base::Result<Rule> EntryParser::parse(std::string_view entry, Action action) {
  if (entry.size() > kMaxEntryBytes) {
    return base::Error{"entry_too_long",
                       "the entry is too long: at most " + std::to_string(kMaxEntryBytes) + " bytes"};
  }
  if (entry.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return base::Error{"entry_empty", "the entry is empty; expected HOST, HOST/PATH or a URL"};
  }
  const auto written = state_->canonicalise(entry);
  if (!written.ok()) return written.error();
  const CanonicalUrl& url = state_->url;

  Rule rule;
  rule.action = action;
  rule.kind = path_kind(url);
  rule.host = url.host();
  rule.port = url.port();
  if (!rule.is_whole_host()) rule.path = url.path();
  if (rule.kind == RuleKind::url_query) rule.query = url.query();
  if (rule.is_whole_host() && !written.value().names_host_alone) {
    return base::Error{
        "entry_ambiguous",
        "the entry would block a whole host, but the text after the host (a fragment, an empty query, dots "
        "or slashes) may mean a page; to block the whole host, write HOST alone"};
  }
  if (written.value().has_wildcard) {
    if (!rule.is_whole_host()) {
      return base::Error{"entry_bad_wildcard", "a wildcard entry cannot have a path or query"};
    }
    if (url.host_is_address()) return base::Error{"entry_bad_wildcard", "an address has no hosts below it"};
    rule.kind = RuleKind::subdomains;
  }
  if (url.host_is_address()) return rule;
  if (auto status = check_name(rule.host); !status.ok()) return status.error();
  if (rule.is_whole_host()) {
    if (auto status = state_->check_whole_host(rule); !status.ok()) return status.error();
  }
  return rule;
}

}  // namespace weir::rules
