#include "control/intake/fetcher.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <memory>
#include <thread>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "control/intake/feed_source.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

constexpr std::size_t kMaxSecretBytes = 65536;
constexpr long kConnectSeconds = 15;
constexpr long kLowSpeedBytes = 1024;
constexpr long kLowSpeedSeconds = 30;
constexpr long kMaxRedirects = 5;
constexpr int kFileAttempts = 5;
constexpr std::chrono::milliseconds kFileSettle{200};

// ---- file:// ----

/// What changes when somebody writes to or replaces a file.
struct FileMark {
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileMark&) const = default;
};

FileMark mark_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size,
          status.st_mtim.tv_sec * std::int64_t{1000000000} + status.st_mtim.tv_nsec};
}

/// A file that is being written in place may be read cut in the middle of a line, and half an entry can block
/// a whole host: it is taken only if it stood still, and longer so when it does not end with a line's end.
base::Result<Fetched> fetch_file(const config::ListSettings& list) {
  const std::string path = file_of(list.url);
  for (int attempt = 0; attempt < kFileAttempts; ++attempt) {
    const FileMark before = mark_of(path);
    auto bytes = storage::read_whole(path, list.max_bytes);
    if (!bytes) {
      return base::Error{bytes.error().code == "too_large" ? "fetch_too_large" : "fetch_io",
                         bytes.error().message};
    }
    if (!bytes.value().ends_with('\n')) std::this_thread::sleep_for(kFileSettle);
    if (mark_of(path) == before)
      return Fetched{.not_modified = false, .bytes = std::move(bytes).value(), .validators = {}, .token = {}};
    std::this_thread::sleep_for(kFileSettle);
  }
  return base::Error{
      "fetch_changing",
      fmt::format("{}: changes while it is read; write a new file and rename it into place", path)};
}

// ---- https:// ----

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlFree>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlFree>;

struct Transfer {
  Fetched fetched;
  std::size_t max_bytes = 0;
  std::string token_header;  // in lower case
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

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {  // a new response: what an earlier redirect said does not count
    transfer.fetched.validators = {};
    transfer.fetched.token.reset();
    transfer.chunked = false;
    transfer.fetched.bytes.clear();
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  const std::string name = in_lower_case(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "etag") transfer.fetched.validators.etag = value;
  if (name == "last-modified") transfer.fetched.validators.last_modified = value;
  if (name == transfer.token_header) transfer.fetched.token = value;
  if (name == "transfer-encoding") transfer.chunked = true;
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop->load(std::memory_order_relaxed) ? 1 : 0;
}

base::Result<std::string> read_secret(const std::filesystem::path& file) {
  auto text = storage::read_whole(file, kMaxSecretBytes);
  if (!text) return base::Error{"fetch_secret", text.error().message};
  return std::string(trimmed(text.value()));
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
  if (!validators.etag.empty())
    headers = curl_slist_append(headers, ("If-None-Match: " + validators.etag).c_str());
  if (!validators.last_modified.empty()) {
    headers = curl_slist_append(headers, ("If-Modified-Since: " + validators.last_modified).c_str());
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
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the URL itself it was looked at before
      return {"fetch_url", fmt::format("{}: the server redirects to something else than https://", source)};
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
  // Only to who has the list already: else an empty one would count as fresh.
  if (status == 304 && conditional) {
    transfer.fetched.not_modified = true;
    transfer.fetched.bytes.clear();
    return std::move(transfer.fetched);
  }
  if (status != 200) {
    return base::Error{"fetch_http_status",
                       fmt::format("{}: the server answered with status {}, 200 was expected",
                                   describe_source(list), status)};
  }
  // Without a length, HTTP/1 ends with the connection: a cut one looks the same as a whole one.
  const bool end_is_known = length >= 0 || transfer.chunked || version > CURL_HTTP_VERSION_1_1;
  if (!end_is_known && !transfer.fetched.bytes.ends_with('\n')) {
    return base::Error{"fetch_truncated",
                       fmt::format("{}: ends in the middle of a line", describe_source(list))};
  }
  return std::move(transfer.fetched);
}

base::Result<Fetched> fetch_https(const config::ListSettings& list, const Validators& validators,
                                  const std::atomic<bool>& stop, ServerSaid* said) {
  const CurlHandle handle(curl_easy_init());
  if (!handle) return base::Error{"fetch_failed", "libcurl cannot be started"};
  std::array<char, CURL_ERROR_SIZE> detail{};
  Transfer transfer;
  transfer.stop = &stop;
  const std::string agent = fmt::format("weir-control/{}", base::version());
  set_limits(handle.get(), list);
  // An empty one keeps libcurl from asking the environment.
  curl_easy_setopt(handle.get(), CURLOPT_PROXY, list.proxy.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_NOPROXY, "");
  transfer.max_bytes = list.max_bytes;
  transfer.token_header = in_lower_case(list.delta.token_header);
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
  const CurlHeaders headers = conditional_headers(validators);
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  if (auto status = set_authentication(handle.get(), list.auth); !status) return status.error();
  const CURLcode code = curl_easy_perform(handle.get());
  curl_off_t retry_after = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RETRY_AFTER, &retry_after);
  if (said != nullptr) {
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    *said = {.retry_after = std::chrono::seconds(retry_after), .status = static_cast<int>(status)};
  }
  if (code != CURLE_OK) return transfer_error(list, code, transfer, detail.data());
  return check_response(list, handle.get(), std::move(transfer), headers != nullptr);
}

}  // namespace

base::Result<Fetched> fetch(const config::ListSettings& list, const Validators& validators,
                            const std::atomic<bool>& stop, ServerSaid* said) {
  if (is_file(list.url)) return fetch_file(list);
  if (list.url.starts_with("https://")) return fetch_https(list, validators, stop, said);
  return base::Error{"fetch_url", fmt::format("list {}: https:// or file:/// was expected", list.name)};
}

FetchLibrary::FetchLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
FetchLibrary::~FetchLibrary() { curl_global_cleanup(); }

}  // namespace weir::control
