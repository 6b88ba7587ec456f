#include "control/intake/digest_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <openssl/evp.h>

namespace weir::control {
namespace {

constexpr std::size_t kHexDigits = 64;
constexpr std::string_view kTag = "SHA256 (";

struct DigestLine {
  std::string_view hex;
  std::string_view name;  // empty: a digest alone
};

bool is_hex(std::string_view text) {
  return text.size() == kHexDigits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

std::optional<DigestLine> read_digest_line(std::string_view line) {
  DigestLine read;
  if (line.starts_with(kTag)) {
    const std::size_t end = line.rfind(") = ");
    if (end == std::string_view::npos || end < kTag.size()) return std::nullopt;
    read = {.hex = line.substr(end + 4), .name = line.substr(kTag.size(), end - kTag.size())};
  } else {
    read.hex = line.substr(0, kHexDigits);
    std::string_view rest = line.substr(read.hex.size());
    if (!rest.empty() && rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.starts_with('*')) rest.remove_prefix(1);
    read.name = rest;
  }
  if (!is_hex(read.hex)) return std::nullopt;
  read.name.remove_prefix(read.name.rfind('/') + 1);  // npos + 1 is 0
  return read;
}

std::string sha256_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1) return {};
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex.push_back(kDigits[hash[i] >> 4U]);
    hex.push_back(kDigits[hash[i] & 0xfU]);
  }
  return hex;
}

}  // namespace

base::Status verify_sha256(std::string_view bytes, std::string_view digest_file, std::string_view name) {
  std::optional<DigestLine> counts;
  std::size_t lines = 0;
  while (!digest_file.empty()) {
    std::string_view line = digest_file.substr(0, digest_file.find('\n'));
    digest_file.remove_prefix(std::min(line.size() + 1, digest_file.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto read = read_digest_line(line);
    if (!read) return base::Error{"verify_digest_file", "no file of SHA-256 digests"};
    if (++lines == 1 || read->name == name) counts = read;
  }
  if (!counts || (lines > 1 && counts->name != name))
    return base::Error{"verify_digest_file", "no SHA-256 digest for the list"};
  const std::string expected = sha256_hex(bytes);
  const bool same =
      std::equal(expected.begin(), expected.end(), counts->hex.begin(), counts->hex.end(),
                 [](char a, char b) { return a == (b >= 'A' && b <= 'F' ? b + ('a' - 'A') : b); });
  if (!same)
    return base::Error{"verify_digest", "the SHA-256 digest is of something else: changed or truncated?"};
  return base::ok_status();
}

}  // namespace weir::control
