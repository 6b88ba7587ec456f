#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "dataplane/base/byte_set.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/plain_list.h"

namespace weir::formats {

/// White space within a line.
inline constexpr base::ByteSet kBlanks = base::bytes_of(" \t");

/// Where a reader puts what it finds, in the order of the list. Reasons never quote an entry.
struct EntrySink {
  std::function<void(rules::Rule&&, std::size_t line)> rule;
  std::function<void(rules::LineError&&)> refused;
};

/// Parses entries and passes them to a sink.
class EntryTaker {
 public:
  EntryTaker(rules::EntryParser& parser, const EntrySink& sink) : parser_(parser), sink_(sink) {}

  /// An entry as in the format plain. `id`: the feed's own number for it, for messages.
  void take(std::string_view entry, std::size_t line, std::string_view id = {});
  /// A DNS name that is blocked as `kind` (host or subdomains). Addresses, ports and paths are refused.
  void take_name(std::string_view name, rules::RuleKind kind, std::size_t line);
  void refuse(std::size_t line, std::string reason, std::string_view id = {});

 private:
  rules::EntryParser& parser_;
  const EntrySink& sink_;
};

}  // namespace weir::formats
