#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/proto/url/url.h"

namespace weir::rules {

/// Longest list entry in bytes; servers take no longer request line than this either.
inline constexpr std::size_t kMaxEntryBytes = 8192;

enum class Action : std::uint8_t { block, allow };

/// Which requests a rule matches (matching rules of the list format, config/README.md):
/// domain: the host and every host below; subdomains: only the hosts below; host: that host alone;
/// prefix: paths under a directory; url: that path with any query; url_query: that path and query.
enum class RuleKind : std::uint8_t { domain, subdomains, host, prefix, url, url_query };
std::string_view to_string(RuleKind kind) noexcept;

/// A list entry in canonical form. `path` and `query` are empty for the kinds that have none.
struct Rule {
  RuleKind kind = RuleKind::domain;
  Action action = Action::block;
  std::string host;
  std::string path;
  std::string query;
  std::optional<std::uint16_t> port;
  base::RuleId id;
  base::ListIndex list;

  /// `host[:port]/path?query`, `*.host` for subdomains: one spelling for equal rules of equal kind, and an
  /// entry that reads as the same rule again (but for kind host, which the plain profile cannot write).
  [[nodiscard]] std::string canonical_text() const;
  [[nodiscard]] bool is_whole_host() const noexcept { return kind <= RuleKind::host; }
};

/// Leaves in `url` what a browser requests for `text`: assign_url (strict), with a name in Unicode in
/// A-labels. Error codes: those of EntryParser::parse for what cannot be read.
base::Status canonicalise_like_browser(std::string_view text, proto::CanonicalUrl& url);

/// Reads list entries in the default profile: `example.com`, `*.example.com`, `example.com/a/b/`,
/// `http://example.com/a?id=7`. Names in Unicode become A-labels (UTS #46, non-transitional). Refuses, with
/// the reason, what cannot be read, a bare top-level domain or public suffix as a whole host, and an
/// over-long entry.
class EntryParser {
 public:
  /// Throws std::runtime_error when this build of libpsl has no list of public suffixes.
  EntryParser();
  ~EntryParser();
  EntryParser(const EntryParser&) = delete;
  EntryParser& operator=(const EntryParser&) = delete;

  /// The rule without id and list. The error's message gives the reason and never repeats the entry; codes:
  /// entry_empty, entry_too_long, entry_bad_host, entry_bad_port, entry_bad_address, entry_bad_wildcard,
  /// entry_public_suffix, entry_ambiguous (would be a rule on a whole host, but has more than a slash behind
  /// it: a fragment, an empty query, dot segments; whoever wrote it may have meant a page).
  base::Result<Rule> parse(std::string_view entry, Action action = Action::block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::rules
