#include "control/intake/feed_source.h"

#include "dataplane/base/percent_encoding.h"

namespace weir::control {
namespace {

constexpr std::string_view kFileScheme = "file://";

}  // namespace

bool is_file(std::string_view url) noexcept { return url.starts_with(kFileScheme); }

std::string file_of(std::string_view url) {
  return base::percent_decode_once(url.substr(kFileScheme.size()));
}

std::string describe_source(const config::ListSettings& list) {
  if (is_file(list.url)) return file_of(list.url);
  std::string source = list.url.substr(0, list.url.find_first_of("?#"));
  const std::size_t authority = source.find("://");
  if (authority == std::string::npos) return source;
  const std::size_t at = source.rfind('@', source.find('/', authority + 3));
  if (at != std::string::npos && at > authority) source.erase(authority + 3, at - authority - 2);
  return source;
}

}  // namespace weir::control
