#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "match/plain_list.h"
#include "match/rule.h"

namespace weir::feeds {

/// Where a reader puts what it finds, in the order of the list. Reasons never repeat an entry's text.
struct EntrySink {
  std::function<void(match::Rule&&, std::size_t line)> rule;
  std::function<void(match::LineError&&)> refused;
};

/// Reads entries for one list and gives them to its sink.
class EntryTaker {
 public:
  EntryTaker(match::EntryParser& parser, const EntrySink& sink) : parser_(parser), sink_(sink) {}

  /// An entry in the form of the plain profile; `id` is the feed's own number for it, for messages.
  void take(std::string_view entry, std::size_t line, std::string_view id = {});
  /// A name of the DNS that stands for `kind` (host or subdomains): not an address, port or path.
  void take_name(std::string_view name, match::RuleKind kind, std::size_t line);
  void refuse(std::size_t line, std::string reason, std::string_view id = {});

 private:
  match::EntryParser& parser_;
  const EntrySink& sink_;
};

}  // namespace weir::feeds
