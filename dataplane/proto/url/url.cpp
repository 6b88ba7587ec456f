#include "dataplane/proto/url/url.h"

#include <algorithm>

#include "dataplane/base/percent_encoding.h"

namespace weir::proto {
namespace {

// `?` is encoded in a path: a bare one would begin the query when the result is read again.
constexpr base::ByteSet kPathEncoded = base::encoded_bytes("?");
constexpr base::ByteSet kQueryEncoded = base::encoded_bytes("");

// Bytes of a target that are canonical in any place. In a path, slashes and dots are not.
constexpr base::ByteSet plain_bytes(const base::ByteSet& encoded, std::string_view others) noexcept {
  base::ByteSet set{};
  const base::ByteSet excluded = base::bytes_of(others);
  for (std::size_t byte = 0; byte < set.size(); ++byte) set[byte] = !encoded[byte] && !excluded[byte];
  return set;
}
constexpr base::ByteSet kPlainInPath = plain_bytes(kPathEncoded, "\\/");
constexpr base::ByteSet kPlainInQuery = plain_bytes(kQueryEncoded, "");

constexpr bool is_slash(char c) noexcept { return c == '/' || c == '\\'; }
constexpr bool is_removed(char c) noexcept { return c == '\t' || c == '\r' || c == '\n'; }
constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr base::ByteSet kSpaces = base::bytes_of(" ");
constexpr base::ByteSet kAuthorityEnd = base::bytes_of("/\\?#");

struct KnownScheme {
  std::string_view name;
  std::uint16_t default_port;
};
constexpr std::array<KnownScheme, 5> kKnownSchemes{
    {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}, {"ftp", 21}}};
constexpr std::uint16_t kNoDefaultPort = 0;

struct SchemePrefix {
  std::size_t bytes = 0;  // with its colon and slashes
  std::uint16_t default_port = 80;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// After a known scheme any number of slashes may follow, as in browsers. An unknown one needs two, or it
// could not be told from `host:port`.
SchemePrefix read_scheme(std::string_view text) noexcept {
  std::size_t name_bytes = 0;
  while (name_bytes < text.size()) {
    const char c = text[name_bytes];
    const bool is_rest = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!is_alpha(c) && (name_bytes == 0 || !is_rest)) break;
    ++name_bytes;
  }
  const bool has_colon = name_bytes > 0 && name_bytes < text.size() && text[name_bytes] == ':';
  const std::size_t slashes_start = has_colon ? name_bytes + 1 : 0;
  std::size_t slashes = 0;
  while (slashes_start + slashes < text.size() && is_slash(text[slashes_start + slashes])) ++slashes;
  if (!has_colon) return {.bytes = slashes >= 2 ? std::size_t{2} : std::size_t{0}, .default_port = 80};
  for (const KnownScheme& scheme : kKnownSchemes) {
    if (slashes > 0 && equal_ignoring_case(text.substr(0, name_bytes), scheme.name)) {
      return {.bytes = slashes_start + slashes, .default_port = scheme.default_port};
    }
  }
  if (slashes < 2) return {};
  return {.bytes = slashes_start + 2, .default_port = kNoDefaultPort};
}

}  // namespace

std::string_view to_string(UrlError error) noexcept {
  switch (error) {
    case UrlError::none:
      return "none";
    case UrlError::too_long:
      return "too_long";
    case UrlError::empty_host:
      return "empty_host";
    case UrlError::host_too_long:
      return "host_too_long";
    case UrlError::bad_port:
      return "bad_port";
    case UrlError::bad_address:
      return "bad_address";
  }
  return "unknown";
}

UrlError CanonicalUrl::assign_url(std::string_view text, PortPolicy policy) noexcept {
  clear();
  if (text.size() > kMaxUrlBytes) return UrlError::too_long;
  const std::string_view written = base::trim(copy_to_scratch(text), kSpaces);
  text = base::cut_at(written, '#');
  const bool has_fragment = text.size() < written.size();
  const SchemePrefix scheme = read_scheme(text);
  text.remove_prefix(scheme.bytes);
  const std::string_view authority = base::cut_at(text, kAuthorityEnd);
  const UrlError error = take_authority(authority, scheme.default_port, policy);
  if (error != UrlError::none) {
    clear();
    return error;
  }
  const std::string_view target = text.substr(authority.size());
  names_host_alone_ = !has_fragment && (target.empty() || (target.size() == 1 && is_slash(target[0])));
  take_target(target);
  return UrlError::none;
}

UrlError CanonicalUrl::assign_request(std::string_view authority, std::string_view target) noexcept {
  clear();
  if (authority.size() > kMaxUrlBytes || target.size() > kMaxUrlBytes) return UrlError::too_long;
  const bool plain_name = take_plain_name(authority);
  if (!plain_name) {
    const std::string_view host =
        base::cut_at(base::trim(copy_to_scratch(authority), kSpaces), kAuthorityEnd);
    const UrlError error = take_authority(base::trim(host, kSpaces), 80, PortPolicy::lenient);
    if (error != UrlError::none) {
      clear();
      return error;
    }
  }
  was_plain_ = take_request_target(target) && plain_name;
  return UrlError::none;
}

UrlError CanonicalUrl::assign_name(std::string_view name, std::string_view target) noexcept {
  clear();
  if (name.size() > kMaxUrlBytes || target.size() > kMaxUrlBytes) return UrlError::too_long;
  const UrlError error = take_name(base::trim(copy_to_scratch(name), kSpaces));
  if (error != UrlError::none) {
    clear();
    return error;
  }
  take_request_target(target);
  return UrlError::none;
}

bool CanonicalUrl::take_request_target(std::string_view target) noexcept {
  if (take_plain_target(target)) return true;
  take_target(base::cut_at(base::trim(copy_to_scratch(target), kSpaces), '#'));
  return target.empty();
}

void CanonicalUrl::clear() noexcept {
  host_bytes_ = 0;
  path_bytes_ = 0;
  query_bytes_ = 0;
  written_port_.reset();
  port_.reset();
  host_is_address_ = false;
  names_host_alone_ = false;
  was_plain_ = false;
}

std::string_view CanonicalUrl::copy_to_scratch(std::string_view text) noexcept {
  char* out = scratch_.data();
  for (const char c : text) {
    if (!is_removed(c)) *out++ = c;
  }
  return {scratch_.data(), static_cast<std::size_t>(out - scratch_.data())};
}

std::string_view CanonicalUrl::decode_in_place(std::string_view part) noexcept {
  char* const out = scratch_.data() + (part.data() - scratch_.data());
  return {out, base::percent_decode_fully(part, out)};
}

void CanonicalUrl::take_target(std::string_view target) noexcept {
  const std::string_view path = base::cut_at(target, '?');
  take_path(path);
  if (path.size() < target.size()) take_query(target.substr(path.size() + 1));
}

// Nearly all targets on the wire are.
bool CanonicalUrl::take_plain_target(std::string_view target) noexcept {
  if (target.empty() || target.front() != '/') return false;
  char* const out = text_.data() + host_bytes_;
  std::size_t at = 0;
  for (; at < target.size() && target[at] != '?'; ++at) {
    const char c = target[at];
    // A dot after a slash may begin a dot segment, and a second slash is dropped.
    const bool after_slash = at > 0 && target[at - 1] == '/';
    if (c == '/' ? after_slash : !base::contains(kPlainInPath, c) || (c == '.' && after_slash)) return false;
    out[at] = c;
  }
  if (at < target.size()) {
    const std::string_view query = target.substr(at + 1);
    if (query.empty() || base::span_of(query, kPlainInQuery) != query.size()) return false;
    out[at] = '?';
    query_bytes_ = query.copy(out + at + 1, query.size());
  }
  path_bytes_ = at;
  return true;
}

// Slashes are collapsed while dot segments are resolved, so `..` removes a name, never an empty segment:
// nginx, Apache and file systems read `/a//../b` in the same way.
void CanonicalUrl::take_path(std::string_view path) noexcept {
  std::string_view rest = path.empty() ? path : decode_in_place(path);
  char* const begin = text_.data() + host_bytes_;
  char* out = begin;
  *out++ = '/';
  while (!rest.empty()) {
    const auto slash =
        static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_slash) - rest.begin());
    const std::string_view segment = rest.substr(0, slash);
    const bool is_last = slash == rest.size();
    rest.remove_prefix(is_last ? slash : slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (out - begin > 1) --out;
      while (out[-1] != '/') --out;
      continue;
    }
    out = base::append_percent_encoded(segment, kPathEncoded, out);
    if (!is_last) *out++ = '/';
  }
  path_bytes_ = static_cast<std::size_t>(out - begin);
}

void CanonicalUrl::take_query(std::string_view query) noexcept {
  if (query.empty()) return;
  char* const mark = text_.data() + host_bytes_ + path_bytes_;
  *mark = '?';
  const char* const end = base::append_percent_encoded(decode_in_place(query), kQueryEncoded, mark + 1);
  query_bytes_ = static_cast<std::size_t>(end - (mark + 1));
}

}  // namespace weir::proto
