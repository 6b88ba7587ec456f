#include "control/intake/source_digest.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/storage/digest.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/enum_rows.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxProtectedFileBytes = std::size_t{16} << 20;

std::string protection_of(const std::filesystem::path& protected_hosts) {
  if (protected_hosts.empty()) return {};
  const auto text = storage::read_whole(protected_hosts, kMaxProtectedFileBytes);
  return "+" + (text ? storage::content_digest(text.value()) : std::string("unreadable"));
}

}  // namespace

std::string reading_mark(const config::ListSettings& list, const std::filesystem::path& protected_hosts) {
  // Lists without changes keep the mark of version 0.1.
  const std::string delta = list.delta.url.empty() ? std::string()
                                                   : fmt::format(" {} {} {}", list.delta.url,
                                                                 list.delta.token_header, list.delta.token);
  return "-" +
         storage::content_digest(fmt::format(
             "{} {} {} {} {} {} {} {} {} {} {} {}{}", base::index_of(list.format), list.csv.url_column,
             list.csv.id_column, list.csv.header, base::index_of(list.csv.separator), list.csv.comments,
             list.json.entries, list.json.url, list.json.serial, base::index_of(list.on_tls),
             base::index_of(list.verify.type), list.verify.public_key, delta)) +
         protection_of(protected_hosts);
}

bool same_reading(std::string_view digest, std::string_view other) {
  const auto reading = [](std::string_view text) {
    text = text.substr(0, text.find('+'));
    return text.substr(std::min(text.find('-'), text.size()));
  };
  return reading(digest) == reading(other);
}

}  // namespace weir::control
