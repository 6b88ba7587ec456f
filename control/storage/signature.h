#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::storage {

/// A text with an Ed25519 signature (RFC 8032) of it.
struct SignedText {
  std::string text;
  std::string signature;   // base64
  std::string public_key;  // PEM, of who signed
};

/// Signs with the key in `key_file` (PEM, PKCS #8). Where there is none, one is made there first, readable by
/// its owner alone. Error codes: io, key_unusable.
base::Result<SignedText> sign_text(std::string text, const std::filesystem::path& key_file);

/// Whether the signature is that of the public key in the PEM text `trusted_key`. Error codes: key_unusable,
/// signature_bad.
base::Status verify_text(const SignedText& signed_text, std::string_view trusted_key);

/// Something short to compare a public key by, over the telephone: the first 16 bytes of the SHA-256 of its
/// PEM text, in hexadecimal.
std::string key_fingerprint(std::string_view public_key);

}  // namespace weir::storage
