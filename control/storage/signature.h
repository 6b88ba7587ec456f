#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::storage {

/// A text and its Ed25519 signature (RFC 8032).
struct SignedText {
  std::string text;
  std::string signature;   // base64
  std::string public_key;  // of the signer, PEM
};

/// Signs with the private key in `key_file` (PEM, PKCS #8). If there is no such file, makes a key and writes
/// it there with mode 0600. Error codes: io, key_unusable.
base::Result<SignedText> sign_text(std::string text, const std::filesystem::path& key_file);

/// Checks the signature against the public key `trusted_key` (PEM). Error codes: key_unusable, signature_bad.
base::Status verify_text(const SignedText& signed_text, std::string_view trusted_key);

/// A short form of a public key to compare by eye or over the telephone: the first 16 bytes of the SHA-256 of
/// its PEM text, in groups of four hexadecimal digits.
std::string key_fingerprint(std::string_view public_key);

}  // namespace weir::storage
