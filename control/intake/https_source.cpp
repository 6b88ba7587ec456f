#include "control/intake/https_source.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "control/storage/durable_file.h"
#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_set.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxSecretBytes = 65536;
constexpr long kConnectSeconds = 15;
constexpr long kLowSpeedBytes = 1024;
constexpr long kLowSpeedSeconds = 30;
constexpr long kMaxRedirects = 5;
constexpr base::ByteSet kWhiteSpace = base::bytes_of(" \t\n\v\f\r");

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlFree>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlFree>;

struct Transfer {
  Fetched fetched;
  std::size_t max_bytes = 0;
  std::string_view token_header;
  bool chunked = false;
  bool too_large = false;
  const std::atomic<bool>* stop = nullptr;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (size > transfer.max_bytes - transfer.fetched.bytes.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.fetched.bytes.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {  // a new response: forget the headers of a redirect before it
    transfer.fetched.validators = {};
    transfer.fetched.token.reset();
    transfer.chunked = false;
    transfer.fetched.bytes.clear();
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = base::trim(line.substr(colon + 1), kWhiteSpace);
  const auto is = [name](std::string_view other) { return base::ascii_iequals(name, other); };
  if (is("etag") && !value.empty()) transfer.fetched.validators.etag = value;
  if (is("last-modified") && !value.empty()) transfer.fetched.validators.last_modified = value;
  if (is(transfer.token_header)) transfer.fetched.token = value;
  if (is("transfer-encoding")) transfer.chunked = true;
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop->load(std::memory_order_relaxed) ? 1 : 0;
}

base::Result<std::string> read_secret(const std::filesystem::path& file) {
  auto text = storage::read_whole(file, kMaxSecretBytes);
  if (!text) return base::Error{"fetch_secret", text.error().message};
  return std::string(base::trim(text.value(), kWhiteSpace));
}

base::Status set_authentication(CURL* handle, const config::AuthSettings& auth) {
  switch (auth.type) {
    case config::AuthType::none:
      return base::ok_status();
    case config::AuthType::basic: {
      const auto password = read_secret(auth.password_file);
      if (!password) return password.error();
      curl_easy_setopt(handle, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      curl_easy_setopt(handle, CURLOPT_USERNAME, auth.user.c_str());
      curl_easy_setopt(handle, CURLOPT_PASSWORD, password.value().c_str());
      return base::ok_status();
    }
    case config::AuthType::bearer: {
      const auto token = read_secret(auth.token_file);
      if (!token) return token.error();
      curl_easy_setopt(handle, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, token.value().c_str());
      return base::ok_status();
    }
    case config::AuthType::client_cert:
      curl_easy_setopt(handle, CURLOPT_SSLCERT, auth.certificate.c_str());
      curl_easy_setopt(handle, CURLOPT_SSLKEY, auth.key.c_str());
      return base::ok_status();
  }
  return base::ok_status();
}

void set_limits(CURL* handle, const config::ListSettings& list) {
  const auto seconds = static_cast<long>(list.timeout.count());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, std::min(kConnectSeconds, seconds));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kLowSpeedBytes);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kLowSpeedSeconds);
  curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(list.max_bytes));
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
}

CurlHeaders conditional_headers(const Validators& validators) {
  curl_slist* headers = nullptr;
  if (validators.etag) headers = curl_slist_append(headers, ("If-None-Match: " + *validators.etag).c_str());
  if (validators.last_modified) {
    headers = curl_slist_append(headers, ("If-Modified-Since: " + *validators.last_modified).c_str());
  }
  return CurlHeaders(headers);
}

base::Error transfer_error(const config::ListSettings& list, CURLcode code, const Transfer& transfer,
                           const char* detail) {
  const std::string source = describe_source(list);
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return {"fetch_too_large",
            fmt::format("{}: larger than the limit of {} bytes (max_bytes)", source, list.max_bytes)};
  }
  const char* name = "fetch_failed";
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      name = "fetch_connect";
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      name = "fetch_tls";
      break;
    case CURLE_OPERATION_TIMEDOUT:
      name = "fetch_timeout";
      break;
    case CURLE_PARTIAL_FILE:
      name = "fetch_truncated";
      break;
    case CURLE_UNSUPPORTED_PROTOCOL:  // only after a redirect: the scheme of list.url is https
      return {"fetch_url", fmt::format("{}: the server redirects to a URL that is not https://", source)};
    default:
      break;
  }
  return {name, fmt::format("{}: {}", source, detail[0] != '\0' ? detail : curl_easy_strerror(code))};
}

base::Result<Fetched> check_response(const config::ListSettings& list, CURL* handle, Transfer transfer,
                                     bool conditional) {
  long status = 0;
  long version = 0;
  curl_off_t length = -1;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  // Only valid if we sent validators. Otherwise an empty list would be taken for the content.
  if (status == 304 && conditional) {
    transfer.fetched.not_modified = true;
    transfer.fetched.bytes.clear();
    return std::move(transfer.fetched);
  }
  if (status != 200) {
    return base::Error{
        "fetch_http_status",
        fmt::format("{}: the server answered with status {}; expected 200", describe_source(list), status)};
  }
  // Without a length, an HTTP/1 body ends with the connection: a truncated one looks complete.
  const bool end_is_known = length >= 0 || transfer.chunked || version > CURL_HTTP_VERSION_1_1;
  if (!end_is_known && !transfer.fetched.bytes.ends_with('\n')) {
    return base::Error{"fetch_truncated", fmt::format("{}: the list ends in the middle of a line: truncated?",
                                                      describe_source(list))};
  }
  return std::move(transfer.fetched);
}

}  // namespace

std::string without_secrets(std::string_view url) {
  std::string source(url.substr(0, url.find_first_of("?#")));
  const std::size_t authority = source.find("://");
  if (authority == std::string::npos) return source;
  const std::size_t at = source.rfind('@', source.find('/', authority + 3));
  if (at != std::string::npos && at > authority) source.erase(authority + 3, at - authority - 2);
  return source;
}

base::Result<Fetched> fetch_https(const FetchRequest& request, ResponseInfo& response) {
  const config::ListSettings& list = request.list;
  const CurlHandle handle(curl_easy_init());
  if (!handle) return base::Error{"fetch_failed", "cannot initialise libcurl"};
  std::array<char, CURL_ERROR_SIZE> detail{};
  Transfer transfer;
  transfer.stop = &request.stop;
  const std::string agent = fmt::format("weir-control/{}", base::version());
  set_limits(handle.get(), list);
  // An empty value keeps libcurl from reading the environment.
  curl_easy_setopt(handle.get(), CURLOPT_PROXY, list.proxy.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_NOPROXY, "");
  transfer.max_bytes = list.max_bytes;
  transfer.token_header = list.delta.token_header;
  curl_easy_setopt(handle.get(), CURLOPT_URL, list.url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, &transfer);
  if (!list.ca_file.empty()) curl_easy_setopt(handle.get(), CURLOPT_CAINFO, list.ca_file.c_str());
  const CurlHeaders headers = conditional_headers(request.validators);
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  if (auto set = set_authentication(handle.get(), list.auth); !set) return set.error();
  const CURLcode code = curl_easy_perform(handle.get());
  curl_off_t retry_after = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RETRY_AFTER, &retry_after);
  long status = 0;  // stays 0 without an answer
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  response = {.retry_after = std::chrono::seconds(retry_after),
              .status = status == 0 ? std::nullopt : std::optional(static_cast<int>(status))};
  if (code != CURLE_OK) return transfer_error(list, code, transfer, detail.data());
  return check_response(list, handle.get(), std::move(transfer), headers != nullptr);
}

FetchLibrary::FetchLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
FetchLibrary::~FetchLibrary() { curl_global_cleanup(); }

}  // namespace weir::control
