#include "control/intake/minisign.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>

#include <openssl/evp.h>

#include "control/storage/base64.h"

namespace weir::control {
namespace {

using PublicKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using SignatureCheck = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

constexpr std::size_t kAlgorithmBytes = 2;
constexpr std::size_t kKeyIdBytes = 8;
constexpr std::size_t kHeadBytes = kAlgorithmBytes + kKeyIdBytes;
constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";

const unsigned char* octets_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string_view next_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_signature(std::string_view signature, std::string_view message, std::string_view key) {
  const PublicKey public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(key), key.size()), EVP_PKEY_free);
  const SignatureCheck check(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return public_key != nullptr && check != nullptr &&
         EVP_DigestVerifyInit(check.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
         EVP_DigestVerify(check.get(), octets_of(signature), signature.size(), octets_of(message),
                          message.size()) == 1;
}

std::string blake2b(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_blake2b512(), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(hash.data()), size};
}

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view word) {
  if (!word.starts_with(name)) return std::nullopt;
  word.remove_prefix(name.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

TrustedComment read_comment(std::string_view text) {
  TrustedComment comment;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (const auto number = number_after("timestamp:", word)) comment.timestamp = number;
    if (const auto number = number_after("serial:", word)) comment.serial = number;
  }
  return comment;
}

std::optional<std::string> decode_key(std::string_view text) {
  auto key = storage::decode_base64(text);
  if (!key || key->size() != kHeadBytes + kEd25519KeyBytes || !key->starts_with("Ed")) return std::nullopt;
  return key;
}

base::Error bad_file(const char* why) { return {"verify_signature_file", why}; }
base::Error bad_signature(const char* why) { return {"verify_signature", why}; }

}  // namespace

bool is_minisign_key(std::string_view text) { return decode_key(text).has_value(); }

base::Result<TrustedComment> verify_minisign(std::string_view bytes, std::string_view signature_file,
                                             std::string_view key_text) {
  const auto key = decode_key(key_text);
  if (!key) return base::Error{"verify_key", "verify.public_key is not a minisign public key"};
  std::string_view rest = signature_file;
  const bool begins_well = next_line(rest).starts_with(kUntrusted);
  const auto signature = storage::decode_base64(next_line(rest));
  const std::string_view comment_line = next_line(rest);
  const auto comment_signature = storage::decode_base64(next_line(rest));
  if (!begins_well || !signature || signature->size() != kHeadBytes + kEd25519SignatureBytes ||
      !comment_line.starts_with(kTrusted) || !comment_signature ||
      comment_signature->size() != kEd25519SignatureBytes || !rest.empty()) {
    return bad_file("not a minisign signature file");
  }
  const std::string_view head = std::string_view(*signature).substr(0, kHeadBytes);
  const std::string_view plain = std::string_view(*signature).substr(kHeadBytes);
  const std::string_view key_bytes = std::string_view(*key).substr(kHeadBytes);
  const bool prehashed = head.starts_with("ED");
  if (!prehashed && !head.starts_with("Ed")) return bad_file("unknown signature algorithm");
  if (head.substr(kAlgorithmBytes) != std::string_view(*key).substr(kAlgorithmBytes, kKeyIdBytes))
    return bad_signature("signed with another key than verify.public_key");
  const std::string hash = prehashed ? blake2b(bytes) : std::string();
  if (!is_signature(plain, prehashed ? std::string_view(hash) : bytes, key_bytes))
    return bad_signature("the signature does not match this list and verify.public_key");
  const std::string_view comment = comment_line.substr(kTrusted.size());
  if (!is_signature(*comment_signature, std::string(plain) + std::string(comment), key_bytes))
    return bad_signature("the trusted comment of the signature was changed");
  return read_comment(comment);
}

}  // namespace weir::control
