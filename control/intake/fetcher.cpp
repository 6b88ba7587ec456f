#include "control/intake/fetcher.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/intake/file_source.h"
#include "control/intake/https_source.h"

namespace weir::control {
namespace {

constexpr std::array<FeedSource, 2> kSources{{
    {.scheme = "file://", .kind = FeedSource::Kind::local_file, .fetch = &fetch_file, .describe = &file_of},
    {.scheme = "https://",
     .kind = FeedSource::Kind::server,
     .fetch = &fetch_https,
     .describe = &without_secrets},
}};

}  // namespace

const FeedSource* source_of(std::string_view url) noexcept {
  const auto found = std::find_if(kSources.begin(), kSources.end(),
                                  [url](const FeedSource& row) { return url.starts_with(row.scheme); });
  return found == kSources.end() ? nullptr : &*found;
}

bool is_local_file(std::string_view url) noexcept {
  const FeedSource* source = source_of(url);
  return source != nullptr && source->kind == FeedSource::Kind::local_file;
}

std::string describe_source(const config::ListSettings& list) {
  const FeedSource* source = source_of(list.url);
  return source == nullptr ? without_secrets(list.url) : source->describe(list.url);
}

base::Result<Fetched> fetch(const config::ListSettings& list, const Validators& validators,
                            const std::atomic<bool>& stop, ResponseInfo* response) {
  const FeedSource* source = source_of(list.url);
  if (source == nullptr) {
    return base::Error{"fetch_url",
                       fmt::format("list {}: the url must start with https:// or file:///", list.name)};
  }
  ResponseInfo unused;
  return source->fetch({.list = list, .validators = validators, .stop = stop},
                       response == nullptr ? unused : *response);
}

}  // namespace weir::control
