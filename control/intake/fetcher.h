#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/feed_schemes.h"
#include "config/settings.h"
#include "control/lists/fetch_record.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// An answer of a source.
struct Fetched {
  bool not_modified = false;  // the content is the one that the validators are for; `bytes` is empty
  std::string bytes;
  Validators validators;
  std::optional<std::string> token;  // in the response header delta.token_header
};

/// What a response says besides the content, also if it is an error.
struct ResponseInfo {
  std::chrono::seconds retry_after{0};  // Retry-After (RFC 9110, section 10.2.3); 0: none
  std::optional<int> status;            // HTTP status; none: no answer
};

struct FetchRequest {
  const config::ListSettings& list;
  const Validators& validators;   // of the content that we have
  const std::atomic<bool>& stop;  // ends the transfer early
};

/// How a feed with this scheme is fetched. A new source is a row of kFeedSchemes, a file pair and a row in
/// fetcher.cpp.
struct FeedSource {
  enum class Kind : std::uint8_t { local_file, server };
  config::FeedScheme scheme;
  Kind kind;
  base::Result<Fetched> (*fetch)(const FetchRequest& request, ResponseInfo& response);
  std::string (*describe)(std::string_view url);
};

/// The source for a URL. Null: its scheme is not supported.
const FeedSource* source_of(std::string_view url) noexcept;
/// Whether a URL names a file of this machine.
bool is_local_file(std::string_view url) noexcept;

/// A feed's source for messages: the path of a file, or a URL without user info and query.
std::string describe_source(const config::ListSettings& list);

/// Fetches a feed from `list.url`, in the calling thread. Fills `response` in any case. Error codes:
/// fetch_url, fetch_io, fetch_changing, fetch_connect, fetch_tls, fetch_timeout, fetch_http_status,
/// fetch_too_large, fetch_truncated, fetch_secret, fetch_failed.
base::Result<Fetched> fetch(const config::ListSettings& list, const Validators& validators,
                            const std::atomic<bool>& stop, ResponseInfo* response = nullptr);

/// Initialises libcurl for the process. To be made once, before any thread is started.
class FetchLibrary {
 public:
  FetchLibrary();
  ~FetchLibrary();
  FetchLibrary(const FetchLibrary&) = delete;
  FetchLibrary& operator=(const FetchLibrary&) = delete;
};

}  // namespace weir::control
