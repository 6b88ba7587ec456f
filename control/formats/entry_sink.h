#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "dataplane/rules/plain_list.h"
#include "dataplane/rules/entry_parser.h"

namespace weir::formats {

/// Where a reader puts what it finds, in the order of the list. Reasons never repeat an entry's text.
struct EntrySink {
  std::function<void(rules::Rule&&, std::size_t line)> rule;
  std::function<void(rules::LineError&&)> refused;
};

/// Reads entries for one list and gives them to its sink.
class EntryTaker {
 public:
  EntryTaker(rules::EntryParser& parser, const EntrySink& sink) : parser_(parser), sink_(sink) {}

  /// An entry in the form of the plain format; `id` is the feed's own number for it, for messages.
  void take(std::string_view entry, std::size_t line, std::string_view id = {});
  /// A name of the DNS that stands for `kind` (host or subdomains): not an address, port or path.
  void take_name(std::string_view name, rules::RuleKind kind, std::size_t line);
  void refuse(std::size_t line, std::string reason, std::string_view id = {});

 private:
  rules::EntryParser& parser_;
  const EntrySink& sink_;
};

}  // namespace weir::formats
