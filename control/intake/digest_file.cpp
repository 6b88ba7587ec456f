#include "control/intake/digest_file.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "control/storage/digest.h"

namespace weir::control {
namespace {

constexpr std::size_t kHexDigits = 64;
constexpr std::string_view kTag = "SHA256 (";

struct DigestLine {
  storage::Sha256 digest{};
  std::string_view name;  // empty: the line is a digest alone
};

std::optional<DigestLine> read_digest_line(std::string_view line) {
  DigestLine read;
  std::string_view hex;
  if (line.starts_with(kTag)) {
    const std::size_t end = line.rfind(") = ");
    if (end == std::string_view::npos || end < kTag.size()) return std::nullopt;
    hex = line.substr(end + 4);
    read.name = line.substr(kTag.size(), end - kTag.size());
  } else {
    hex = line.substr(0, kHexDigits);
    std::string_view rest = line.substr(hex.size());
    if (!rest.empty() && rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.starts_with('*')) rest.remove_prefix(1);
    read.name = rest;
  }
  if (!storage::from_hex(hex, read.digest)) return std::nullopt;
  read.name.remove_prefix(read.name.rfind('/') + 1);  // npos + 1 is 0
  return read;
}

}  // namespace

base::Status verify_sha256(std::string_view bytes, std::string_view digest_file, std::string_view name) {
  std::optional<DigestLine> chosen;
  std::size_t lines = 0;
  while (!digest_file.empty()) {
    std::string_view line = digest_file.substr(0, digest_file.find('\n'));
    digest_file.remove_prefix(std::min(line.size() + 1, digest_file.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto read = read_digest_line(line);
    if (!read) return base::Error{"verify_digest_file", "not a file of SHA-256 digests"};
    if (++lines == 1 || read->name == name) chosen = read;
  }
  if (!chosen || (lines > 1 && chosen->name != name))
    return base::Error{"verify_digest_file", fmt::format("no SHA-256 digest for {}", name)};
  if (storage::sha256(bytes) != chosen->digest) {
    return base::Error{"verify_digest",
                       "the SHA-256 digest does not match the list: the list was changed or truncated"};
  }
  return base::ok_status();
}

}  // namespace weir::control
