#include "control/storage/entry_key.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "control/storage/digest.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/byte_set.h"

namespace weir::storage {
namespace {

constexpr std::string_view kMark = "weir-encrypted 1 ";
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kMaxHeadBytes = 256;
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kMaxKeyFileBytes = 1024;
constexpr base::ByteSet kWhiteSpace = base::bytes_of(" \t\r\n");

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&::EVP_CIPHER_CTX_free)>;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// HKDF-SHA256 (RFC 5869).
bool derive(const EntryKey::Bytes& key, std::string_view salt, std::string_view purpose,
            std::span<unsigned char> out) {
  const std::unique_ptr<EVP_KDF, decltype(&::EVP_KDF_free)> kdf(::EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                                &::EVP_KDF_free);
  if (kdf == nullptr) return false;
  const std::unique_ptr<EVP_KDF_CTX, decltype(&::EVP_KDF_CTX_free)> context(::EVP_KDF_CTX_new(kdf.get()),
                                                                            &::EVP_KDF_CTX_free);
  std::string digest = "SHA256";
  EntryKey::Bytes secret = key;
  std::string salt_bytes(salt);
  std::string info(purpose);
  const std::array<OSSL_PARAM, 5> params{
      ::OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_bytes.data(), salt_bytes.size()),
      ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      ::OSSL_PARAM_construct_end()};
  const bool done =
      context != nullptr && ::EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) == 1;
  ::OPENSSL_cleanse(secret.data(), secret.size());
  return done;
}

/// The first line of an encrypted file.
struct Head {
  std::string_view line;  // with its line feed
  std::string_view kind;
  std::string_view key_id;
  std::string_view salt;
  std::uint64_t bytes = 0;
};

std::optional<Head> read_encrypted_head(std::string_view file) {
  if (!file.starts_with(kMark)) return std::nullopt;
  const std::size_t end = file.substr(0, kMaxHeadBytes).find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  Head head{.line = file.substr(0, end + 1), .kind = {}, .key_id = {}, .salt = {}};
  std::string_view rest = file.substr(kMark.size(), end - kMark.size());
  for (std::string_view* word : {&head.kind, &head.key_id, &head.salt}) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    *word = rest.substr(0, space);
    rest.remove_prefix(space + 1);
  }
  const auto [stop, code] = std::from_chars(rest.data(), rest.data() + rest.size(), head.bytes);
  if (code != std::errc{} || stop != rest.data() + rest.size()) return std::nullopt;
  if (head.key_id.size() != kIdDigits || head.salt.size() != 2 * kSaltBytes) return std::nullopt;
  return head;
}

std::uint64_t chunks_of(std::uint64_t bytes) { return bytes == 0 ? 1 : (bytes - 1) / kChunkBytes + 1; }

/// Encrypts or decrypts the chunks of one file.
class FileCipher {
 public:
  FileCipher(const EntryKey::Bytes& master, std::string_view head, std::string_view salt,
             std::string_view name, bool encrypts)
      : authenticated_(std::string(head).append(name)),
        context_(::EVP_CIPHER_CTX_new(), &::EVP_CIPHER_CTX_free),
        encrypts_(encrypts) {
    good_ = context_ != nullptr && derive(master, salt, "weir entries", key_) &&
            ::EVP_CipherInit_ex(context_.get(), ::EVP_aes_256_gcm(), nullptr, nullptr, nullptr,
                                encrypts ? 1 : 0) == 1;
  }
  ~FileCipher() { ::OPENSSL_cleanse(key_.data(), key_.size()); }
  FileCipher(const FileCipher&) = delete;
  FileCipher& operator=(const FileCipher&) = delete;

  /// Writes `tag`, or checks it. False: it does not match.
  bool run(std::uint64_t chunk, bool is_last, std::string_view in, unsigned char* out, unsigned char* tag) {
    std::array<unsigned char, kNonceBytes> nonce{};
    nonce[0] = is_last ? 1 : 0;
    for (std::size_t i = 0; i < 8; ++i)
      nonce[kNonceBytes - 1 - i] = static_cast<unsigned char>(chunk >> (8 * i));
    int size = 0;
    const int bytes = static_cast<int>(in.size());
    const int direction = encrypts_ ? 1 : 0;
    bool done =
        good_ &&
        ::EVP_CipherInit_ex(context_.get(), nullptr, nullptr, key_.data(), nonce.data(), direction) == 1 &&
        ::EVP_CipherUpdate(context_.get(), nullptr, &size, bytes_of(authenticated_),
                           static_cast<int>(authenticated_.size())) == 1 &&
        ::EVP_CipherUpdate(context_.get(), out, &size, bytes_of(in), bytes) == 1;
    if (done && !encrypts_) {
      done = ::EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1;
    }
    unsigned char unused = 0;
    done = done && ::EVP_CipherFinal_ex(context_.get(), &unused, &size) == 1;
    if (done && encrypts_) {
      done = ::EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1;
    }
    return done;
  }

 private:
  const std::string authenticated_;
  EntryKey::Bytes key_{};
  CipherContext context_;
  const bool encrypts_;
  bool good_ = false;
};

base::Error key_error(const std::filesystem::path& file, std::string_view what) {
  return {"key_invalid", fmt::format("entry key {}: {}", file.string(), what)};
}

}  // namespace

void wipe(std::string& text) {
  ::OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

EntryKey::EntryKey(const Bytes& bytes) : bytes_(bytes), fingerprint_secret_() {
  std::array<unsigned char, kIdDigits / 2> id{};
  derive(bytes_, "", "weir key id", id);
  derive(bytes_, "", "weir fingerprints", fingerprint_secret_);
  id_ = to_hex(id);
}

EntryKey::~EntryKey() {
  ::OPENSSL_cleanse(bytes_.data(), bytes_.size());
  ::OPENSSL_cleanse(fingerprint_secret_.data(), fingerprint_secret_.size());
}

base::Result<std::shared_ptr<const EntryKey>> EntryKey::load(const std::filesystem::path& file,
                                                             bool is_private) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && is_private && (status.st_mode & 077U) != 0) {
    return key_error(file, fmt::format("mode {:04o} gives access to group or others: chmod 0600 it",
                                       status.st_mode & 07777U));
  }
  FileRead read = read_file(file, kMaxKeyFileBytes);
  if (read.state == FileRead::State::not_found) return std::shared_ptr<const EntryKey>();
  if (read.state == FileRead::State::failed) return std::move(read.error);
  Bytes bytes{};
  const bool good = from_hex(base::trim(read.text, kWhiteSpace), bytes);
  wipe(read.text);
  if (!good) return key_error(file, "expected 64 hexadecimal digits (openssl rand -hex 32)");
  auto key = std::make_shared<const EntryKey>(bytes);
  ::OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

base::Result<std::shared_ptr<const EntryKey>> EntryKey::make(const std::filesystem::path& file) {
  Bytes bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return base::Error{"io", "cannot make an entry key: no random numbers"};
  }
  if (std::error_code error; std::filesystem::exists(file, error)) {
    return base::Error{"key_exists", fmt::format("{} exists already", file.string())};
  }
  std::string text = to_hex(bytes) + "\n";
  auto written = write_durably(file, text, 0600);
  wipe(text);
  if (!written) return written.error();
  auto key = std::make_shared<const EntryKey>(bytes);
  ::OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

base::Result<std::string> EntryKey::encrypt(std::string_view kind, std::string_view name,
                                            std::string_view payload) const {
  std::array<unsigned char, kSaltBytes> salt{};
  if (::RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) {
    return base::Error{"io", "cannot encrypt the entries: no random numbers"};
  }
  const std::string salt_text = to_hex(salt);
  std::string file = fmt::format("{}{} {} {} {}\n", kMark, kind, id_, salt_text, payload.size());
  FileCipher cipher(bytes_, file, salt_text, name, true);
  const std::uint64_t chunks = chunks_of(payload.size());
  std::size_t at = file.size();
  file.resize(at + payload.size() + chunks * kTagBytes);
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::string_view in = payload.substr(chunk * kChunkBytes, kChunkBytes);
    unsigned char* out = bytes_of(file) + at;
    if (!cipher.run(chunk, chunk + 1 == chunks, in, out, out + in.size())) {
      return base::Error{"io", "cannot encrypt the entries"};
    }
    at += in.size() + kTagBytes;
  }
  return file;
}

base::Result<std::string> EntryKey::decrypt(std::string_view kind, std::string_view name,
                                            std::string_view file) const {
  const base::Error damaged{"damaged", fmt::format("not a whole encrypted {} file", kind)};
  const auto head = read_encrypted_head(file);
  if (!head || head->kind != kind) return damaged;
  if (head->key_id != id_) {
    return base::Error{"wrong_key",
                       fmt::format("encrypted with key {}, but the configured key is {}", head->key_id, id_)};
  }
  std::string_view rest = file.substr(head->line.size());
  const std::uint64_t chunks = chunks_of(head->bytes);
  if (head->bytes > rest.size() || rest.size() - head->bytes != chunks * kTagBytes) return damaged;
  FileCipher cipher(bytes_, head->line, head->salt, name, false);
  std::string payload(head->bytes, '\0');
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::size_t at = chunk * kChunkBytes;
    const std::size_t size = std::min(kChunkBytes, payload.size() - at);
    std::array<unsigned char, kTagBytes> tag{};
    std::memcpy(tag.data(), rest.data() + size, tag.size());
    if (!cipher.run(chunk, chunk + 1 == chunks, rest.substr(0, size), bytes_of(payload) + at, tag.data())) {
      wipe(payload);
      return damaged;
    }
    rest.remove_prefix(size + kTagBytes);
  }
  return payload;
}

std::string EntryKey::fingerprint(std::string_view text) const {
  const XXH128_hash_t hash = ::XXH3_128bits_withSecret(text.data(), text.size(), fingerprint_secret_.data(),
                                                       fingerprint_secret_.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::optional<std::string> key_id_of(std::string_view file) {
  const auto head = read_encrypted_head(file);
  if (!head) return std::nullopt;
  return std::string(head->key_id);
}

}  // namespace weir::storage
