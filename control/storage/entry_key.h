#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::storage {

/// The key under which files with entries are encrypted.
///
/// An encrypted file is a line `weir-encrypted 1 KIND KEY SALT BYTES`, then the payload in chunks of 1 MiB,
/// each followed by its AES-256-GCM tag of 16 bytes. SALT is random and gives each file a key of its own
/// (HKDF-SHA256 over the master key), under which chunk i has the nonce (last chunk? 1 : 0, i). The line and
/// the name that the file was written for are authenticated with each chunk: nothing can be cut off,
/// exchanged or renamed unseen. KEY tells keys apart without telling anything of them.
class EntryKey {
 public:
  static constexpr std::size_t kBytes = 32;
  using Bytes = std::array<unsigned char, kBytes>;

  /// Reads 64 hexadecimal digits. With `is_private` the file must not be open to group or others. Error
  /// codes: not_found, io, key_invalid.
  static base::Result<std::shared_ptr<const EntryKey>> load(const std::filesystem::path& file,
                                                            bool is_private);
  /// Makes a random key and writes it into a new file, mode 0600. Error codes: io, key_exists.
  static base::Result<std::shared_ptr<const EntryKey>> make(const std::filesystem::path& file);

  explicit EntryKey(const Bytes& bytes);
  ~EntryKey();
  EntryKey(const EntryKey&) = delete;
  EntryKey& operator=(const EntryKey&) = delete;

  /// 16 hexadecimal digits that are not secret.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// `name`: what the file is, for instance its number. Error code: io (no randomness).
  [[nodiscard]] base::Result<std::string> encrypt(std::string_view kind, std::string_view name,
                                                  std::string_view payload) const;
  /// Error codes: damaged, wrong_key.
  [[nodiscard]] base::Result<std::string> decrypt(std::string_view kind, std::string_view name,
                                                  std::string_view file) const;

  /// A fingerprint of `text`, 32 hexadecimal digits: without the key no guess can be tested against it that
  /// cannot be tested against the snapshot as well.
  [[nodiscard]] std::string fingerprint(std::string_view text) const;

 private:
  Bytes bytes_;
  std::string id_;
  std::array<unsigned char, 192> fingerprint_secret_;
};

/// The id of the key that a file was encrypted under; empty for a file that is not encrypted.
std::string key_id_of(std::string_view file);

/// Overwrites what a string holds and empties it.
void wipe(std::string& text);

}  // namespace weir::storage
