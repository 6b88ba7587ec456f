#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "config/settings.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What the last good content was fetched as, for conditional requests.
struct Validators {
  std::string etag;
  std::string last_modified;
};

struct Fetched {
  bool not_modified = false;  // the server says that the validators still hold
  std::string bytes;
  Validators validators;
  std::optional<std::string> token;  // at delta.token_header of the answer
};

/// What a server said beside its answer.
struct ServerSaid {
  std::chrono::seconds retry_after{0};  // Retry-After (RFC 9110, 10.2.3); 0: nothing
  int status = 0;                       // 0: no answer
};

/// Gets a feed from `file://` or `https://` (list.url), in the calling thread; `stop` ends a transfer early.
/// Only HTTPS is spoken, redirects included. Error codes: fetch_url, fetch_io, fetch_changing, fetch_connect,
/// fetch_tls, fetch_timeout, fetch_http_status, fetch_too_large, fetch_truncated, fetch_secret, fetch_failed.
/// `said` is filled whatever came of it.
base::Result<Fetched> fetch(const config::ListSettings& list, const Validators& validators,
                            const std::atomic<bool>& stop, ServerSaid* said = nullptr);

/// Readies libcurl for the process; made once, before threads are.
class FetchLibrary {
 public:
  FetchLibrary();
  ~FetchLibrary();
  FetchLibrary(const FetchLibrary&) = delete;
  FetchLibrary& operator=(const FetchLibrary&) = delete;
};

}  // namespace weir::control
