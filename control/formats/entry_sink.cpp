#include "control/formats/entry_sink.h"

#include <algorithm>
#include <utility>

#include "dataplane/base/ascii.h"

namespace weir::formats {
namespace {

constexpr std::size_t kMaxIdBytes = 40;

bool is_ascii_alnum(char c) noexcept { return base::ascii_alpha(c) || base::ascii_digit(c); }

// The id column may be misconfigured and hold the entries, which must not be quoted.
bool is_plain_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kMaxIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; });
}

bool is_name(std::string_view name) noexcept {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alnum(c) || c == '.' || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

void EntryTaker::take(std::string_view entry, std::size_t line, std::string_view id) {
  auto rule = parser_.parse(entry);
  if (!rule.ok()) return refuse(line, rule.error().message, id);
  sink_.rule(std::move(rule).value(), line);
}

void EntryTaker::take_name(std::string_view name, rules::RuleKind kind, std::size_t line) {
  if (!is_name(name)) return refuse(line, "not a host name");
  auto rule = parser_.parse((kind == rules::RuleKind::subdomains ? "*." : "") + std::string(name));
  if (!rule.ok()) return refuse(line, rule.error().message);
  if (rule.value().host.find_first_not_of("0123456789.") == std::string::npos)
    return refuse(line, "an address; expected a host name");
  rule.value().kind = kind;
  sink_.rule(std::move(rule).value(), line);
}

void EntryTaker::refuse(std::size_t line, std::string reason, std::string_view id) {
  if (is_plain_id(id)) reason = "id " + std::string(id) + ": " + reason;
  sink_.refused({.line = line, .message = std::move(reason)});
}

}  // namespace weir::formats
