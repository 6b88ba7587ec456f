#include "control/intake/fetcher.h"

#include <array>

#include <fmt/format.h>

#include "control/intake/file_source.h"
#include "control/intake/https_source.h"

namespace weir::control {
namespace {

constexpr std::array<FeedSource, 2> kSources{{
    {.scheme = config::FeedScheme::file,
     .kind = FeedSource::Kind::local_file,
     .fetch = &fetch_file,
     .describe = &file_of},
    {.scheme = config::FeedScheme::https,
     .kind = FeedSource::Kind::server,
     .fetch = &fetch_https,
     .describe = &without_secrets},
}};
static_assert(base::covers_every_value<kSources, &FeedSource::scheme>(),
              "kSources: one row for each FeedScheme, in the order of the enum");

}  // namespace

const FeedSource* source_of(std::string_view url) noexcept {
  const config::FeedSchemeRow* const scheme = config::feed_scheme_of(url);
  return scheme == nullptr ? nullptr : &kSources[base::index_of(scheme->value)];
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
                       fmt::format("list {}: the url must be {}", list.name, config::kFeedUrlForms)};
  }
  ResponseInfo unused;
  return source->fetch({.list = list, .validators = validators, .stop = stop},
                       response == nullptr ? unused : *response);
}

}  // namespace weir::control
