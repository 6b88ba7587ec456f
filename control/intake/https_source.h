#pragma once

#include <string>
#include <string_view>

#include "control/intake/fetcher.h"

namespace weir::control {

/// A URL without user info, query and fragment.
std::string without_secrets(std::string_view url);

/// Fetches over HTTPS. Redirects may lead to HTTPS only. Error codes: fetch_url, fetch_connect, fetch_tls,
/// fetch_timeout, fetch_http_status, fetch_too_large, fetch_truncated, fetch_secret, fetch_failed.
base::Result<Fetched> fetch_https(const FetchRequest& request, ResponseInfo& response);

}  // namespace weir::control
