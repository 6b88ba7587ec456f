#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::storage {

/// The master key for files that hold entries.
///
/// An encrypted file is a line `weir-encrypted 1 KIND KEY SALT BYTES`, then the payload in chunks of 1 MiB,
/// each followed by its 16-byte AES-256-GCM tag. The file's key is derived from the master key and the random
/// SALT (HKDF-SHA256, RFC 5869). The nonce of chunk i is (1 if it is the last chunk, else 0; i). Each chunk
/// authenticates the line and the name of the file as well, so truncating, reordering or renaming is
/// detected. KEY identifies the master key and reveals nothing about it.
class EntryKey {
 public:
  static constexpr std::size_t kBytes = 32;
  using Bytes = std::array<unsigned char, kBytes>;

  /// Reads a key file of 64 hexadecimal digits. Null if there is no such file. With `is_private`, refuses a
  /// file that gives access to group or others. Error codes: io, key_invalid.
  static base::Result<std::shared_ptr<const EntryKey>> load(const std::filesystem::path& file,
                                                            bool is_private);
  /// Makes a random key and writes it to a new file with mode 0600. Error codes: io, key_exists.
  static base::Result<std::shared_ptr<const EntryKey>> make(const std::filesystem::path& file);

  explicit EntryKey(const Bytes& bytes);
  ~EntryKey();
  EntryKey(const EntryKey&) = delete;
  EntryKey& operator=(const EntryKey&) = delete;

  /// Identifies the key: 16 hexadecimal digits, not secret.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// The encrypted file. `name` ties it to its place, for instance to its number. Error code: io (no random
  /// numbers).
  [[nodiscard]] base::Result<std::string> encrypt(std::string_view kind, std::string_view name,
                                                  std::string_view payload) const;
  /// The payload of an encrypted file. Error codes: damaged, wrong_key.
  [[nodiscard]] base::Result<std::string> decrypt(std::string_view kind, std::string_view name,
                                                  std::string_view file) const;

  /// A keyed fingerprint of `text`, 32 hexadecimal digits. Without the key, it lets nobody test a guess that
  /// the snapshot would not let them test as well.
  [[nodiscard]] std::string fingerprint(std::string_view text) const;

 private:
  Bytes bytes_;
  std::string id_;
  std::array<unsigned char, 192> fingerprint_secret_;
};

/// The id of the key that a file is encrypted with. None if the file is not encrypted.
std::optional<std::string> key_id_of(std::string_view file);

/// Overwrites the memory of a string and empties it.
void wipe(std::string& text);

}  // namespace weir::storage
