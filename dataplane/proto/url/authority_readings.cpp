#include "dataplane/proto/url/authority_readings.h"

#include "dataplane/base/byte_set.h"

namespace weir::proto {
namespace {

constexpr base::ByteSet kNameBytes =
    base::bytes_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%");
constexpr base::ByteSet kDigits = base::bytes_of("0123456789");
constexpr base::ByteSet kAddressBytes = base::bytes_of("0123456789abcdefABCDEF:.");

constexpr base::ByteSet bytes_up_to_blank() noexcept {
  base::ByteSet set{};
  for (std::size_t byte = 0; byte <= ' '; ++byte) set[byte] = true;
  return set;
}
constexpr base::ByteSet kUpToBlank = bytes_up_to_blank();
constexpr base::ByteSet kAround = base::bytes_around_names();

std::string_view digits_of(std::string_view text) noexcept {
  return text.substr(0, base::span_of(text, kDigits));
}

// A name or an address, with or without a port.
bool is_ordinary(std::string_view authority) noexcept {
  std::string_view rest = authority;
  if (rest.starts_with('[')) {
    rest.remove_prefix(1);
    rest.remove_prefix(base::span_of(rest, kAddressBytes));
    if (!rest.starts_with(']')) return false;
    rest.remove_prefix(1);
  } else {
    rest.remove_prefix(base::span_of(rest, kNameBytes));
  }
  return rest.empty() || (rest.front() == ':' && digits_of(rest.substr(1)).size() + 1 == rest.size());
}

}  // namespace

AuthorityReadings::AuthorityReadings(std::string_view authority) noexcept {
  if (is_ordinary(authority)) return;
  const std::string_view trimmed = base::trim(authority, kAround);
  if (trimmed.size() != authority.size()) add(trimmed);
  add_spelling(trimmed);
  const std::string_view beginning = base::trim(base::cut_at(trimmed, kUpToBlank), kAround);
  if (beginning.size() == trimmed.size()) return;
  add(beginning);
  add_spelling(beginning);
}

void AuthorityReadings::add(std::string_view text, bool is_name) noexcept {
  if (text.empty()) return;
  readings_[count_++] = {.text = text, .is_name = is_name};
}

void AuthorityReadings::add_spelling(std::string_view authority) noexcept {
  if (is_ordinary(authority)) return;
  add(authority, true);
  const std::size_t colon = authority.find(':');
  if (colon != std::string_view::npos) {
    add(authority.substr(0, colon + 1 + digits_of(authority.substr(colon + 1)).size()));
  }
  std::string_view inner = authority.substr(authority.rfind('@') + 1);
  const std::size_t size_before = inner.size();
  if (inner.starts_with('[')) inner.remove_prefix(1);
  inner = base::cut_at(inner, ']');
  if (inner.size() != size_before) add(inner);
}

}  // namespace weir::proto
