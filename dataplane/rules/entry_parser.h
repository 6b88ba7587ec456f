#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "dataplane/base/result.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/rule.h"

namespace weir::rules {

/// Longest list entry in bytes. Servers accept no longer request line either.
inline constexpr std::size_t kMaxEntryBytes = 8192;

/// Puts into `url` what a browser requests for `text`: assign_url (strict), with a Unicode name in A-labels.
/// The error codes are those of EntryParser::parse for an entry that cannot be read.
base::Status canonicalise_like_browser(std::string_view text, proto::CanonicalUrl& url);

/// Reads list entries in the plain format: `example.com`, `*.example.com`, `example.com/a/b/`,
/// `http://example.com/a?id=7`. Unicode names become A-labels (UTS #46, non-transitional). Refuses, with a
/// reason, what it cannot read, a bare top-level domain or public suffix as a whole host, and an entry that
/// is too long.
class EntryParser {
 public:
  /// Throws std::runtime_error when libpsl was built without a list of public suffixes.
  EntryParser();
  ~EntryParser();
  EntryParser(const EntryParser&) = delete;
  EntryParser& operator=(const EntryParser&) = delete;

  /// The rule, without id and list. The error message gives the reason and never repeats the entry. Codes:
  /// entry_empty, entry_too_long, entry_bad_host, entry_bad_port, entry_bad_address, entry_bad_wildcard,
  /// entry_public_suffix, entry_ambiguous. An entry is ambiguous when it would block a whole host but has
  /// more than a slash after it (a fragment, an empty query, dot segments): its author may have meant a page.
  base::Result<Rule> parse(std::string_view entry, Action action = Action::block);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::rules
