#include <cstdint>
#include <string>
#include <string_view>

#include "control/intake/digest_file.h"
#include "control/intake/minisign.h"
#include "control/storage/base64.h"
#include "tests/support/require.h"

using namespace weir;
using fuzz::require;

/// The input is a signature file or a digest file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kList = "example.com\nexample.com/a\n";
  constexpr std::string_view kKey = "RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy";
  const std::string file(data, data + size);
  const auto signature = control::verify_minisign(kList, file, kKey);
  // Only the owner of the key can sign: what passes carries one of the two trusted comments that were signed.
  require(
      !signature || signature.value().timestamp == 1700000000U || signature.value().timestamp == 1700000001U,
      "a signature of the owner of the key");
  const auto digest = control::verify_sha256(kList, file, "list.txt");
  require(digest.ok() || digest.error().code.starts_with("verify_"), "an error of the interface");
  const auto bytes = storage::decode_base64(file);
  require(!bytes || storage::encode_base64(*bytes) == file, "decodes canonical base64 only");
  return 0;
}
