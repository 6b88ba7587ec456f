#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::config {

/// Where feeds can come from. http:// is not one of them: a list is secret and must not travel in cleartext.
enum class FeedScheme : std::uint8_t { file, https };

struct FeedSchemeRow {
  FeedScheme value;
  std::string_view name;    // how a URL begins
  bool names_host = false;  // what follows begins with a host; otherwise it is the path of a file
  bool has_deltas = false;  // `lists[].delta` can be given
};
inline constexpr auto kFeedSchemes = std::to_array<FeedSchemeRow>({
    {.value = FeedScheme::file, .name = "file:///"},
    {.value = FeedScheme::https, .name = "https://", .names_host = true, .has_deltas = true},
});
static_assert(base::has_one_row_each<kFeedSchemes, &FeedSchemeRow::value>(),
              "kFeedSchemes: one row for each FeedScheme, in the order of the enum");

/// All of them, for messages and for the JSON Schema (an ECMA 262 regular expression).
inline constexpr std::string_view kFeedUrlForms = "https://HOST/... or file:///...";
inline constexpr std::string_view kFeedUrlPattern = "^(https://[^ /?#:@]|file:///)[!-~]*$";
inline constexpr std::string_view kOptionalFeedUrlPattern = "^((https://[^ /?#:@]|file:///)[!-~]*)?$";

/// The scheme of a URL; null: none of these.
constexpr const FeedSchemeRow* feed_scheme_of(std::string_view url) noexcept {
  const auto* const found =
      std::find_if(kFeedSchemes.begin(), kFeedSchemes.end(),
                   [url](const FeedSchemeRow& row) { return url.starts_with(row.name); });
  return found == kFeedSchemes.end() ? nullptr : found;
}

}  // namespace weir::config
