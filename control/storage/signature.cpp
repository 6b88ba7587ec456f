#include "control/storage/signature.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "control/storage/base64.h"
#include "control/storage/digest.h"
#include "control/storage/durable_file.h"

namespace weir::storage {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

constexpr std::size_t kMaxKeyBytes = 16384;
constexpr std::size_t kSignatureBytes = 64;
constexpr mode_t kOwnerOnly = 0600;

base::Error unusable(std::string why) { return base::Error{"key_unusable", std::move(why)}; }

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string content_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

bool is_ed25519(const Key& key) {
  return key != nullptr && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519;
}

std::string public_pem(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()), BIO_free_all);
  return memory != nullptr && PEM_write_bio_PUBKEY(memory.get(), key) == 1 ? content_of(memory.get())
                                                                           : std::string();
}

base::Result<Key> make_key(const std::filesystem::path& file) {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  const Memory memory(BIO_new(BIO_s_mem()), BIO_free_all);
  if (key == nullptr || memory == nullptr ||
      PEM_write_bio_PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return unusable("OpenSSL cannot make an Ed25519 key");
  }
  if (const auto written = write_durably(file, std::string_view(content_of(memory.get())), kOwnerOnly);
      !written) {
    return written.error();
  }
  return key;
}

base::Result<Key> read_key(const std::filesystem::path& file) {
  const FileRead pem = read_file(file, kMaxKeyBytes);
  if (pem.state == FileRead::State::not_found) return make_key(file);
  if (pem.state != FileRead::State::read) return pem.error;
  const Memory memory(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())), BIO_free_all);
  // OpenSSL must not ask for a passphrase on a terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!is_ed25519(key)) {
    return unusable(
        fmt::format("{}: expected an Ed25519 private key in PEM, without a passphrase", file.string()));
  }
  return key;
}

}  // namespace

base::Result<SignedText> sign_text(std::string text, const std::filesystem::path& key_file) {
  const auto key = read_key(key_file);
  if (!key) return key.error();
  const Digest context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, kSignatureBytes> signature{};
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.value().get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, octets(text), text.size()) != 1) {
    return unusable(fmt::format("{}: OpenSSL cannot sign with this key", key_file.string()));
  }
  return SignedText{.text = std::move(text),
                    .signature = encode_base64({reinterpret_cast<const char*>(signature.data()), size}),
                    .public_key = public_pem(key.value().get())};
}

base::Status verify_text(const SignedText& signed_text, std::string_view trusted_key) {
  const Memory memory(BIO_new_mem_buf(trusted_key.data(), static_cast<int>(trusted_key.size())),
                      BIO_free_all);
  const Key key(PEM_read_bio_PUBKEY(memory.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  if (!is_ed25519(key)) return unusable("expected an Ed25519 public key in PEM");
  const auto signature = decode_base64(signed_text.signature);
  const Digest context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!signature || signature->size() != kSignatureBytes ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), octets(*signature), signature->size(), octets(signed_text.text),
                       signed_text.text.size()) != 1) {
    return base::Error{"signature_bad", "the signature does not match this key and this text"};
  }
  return base::ok_status();
}

std::string key_fingerprint(std::string_view public_key) {
  const auto hash = sha256(public_key);
  if (!hash) return {};
  constexpr std::size_t kShownBytes = 16;
  std::string text;
  for (std::size_t i = 0; i < kShownBytes; i += 2) {
    if (i != 0) text += ':';
    text += to_hex(std::span(*hash).subspan(i, 2));
  }
  return text;
}

}  // namespace weir::storage
