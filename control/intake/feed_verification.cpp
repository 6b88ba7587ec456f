#include "control/intake/feed_verification.h"

#include <string>

#include <fmt/format.h>

#include "control/formats/list_reader.h"
#include "control/intake/digest_file.h"
#include "control/intake/fetcher.h"
#include "control/intake/minisign.h"

namespace weir::control {
namespace {

constexpr std::uint64_t kMaxSideBytes = 65536;

/// `scheme://host:port` of a URL.
std::string_view origin_of(std::string_view url) {
  const std::size_t authority = url.find("://");
  if (authority == std::string_view::npos) return {};
  return url.substr(0, url.find_first_of("/?#", authority + 3));
}

std::string_view without_query(std::string_view url) {
  return is_local_file(url) ? url : url.substr(0, url.find_first_of("?#"));
}

/// The settings to fetch the digest or the signature with.
config::ListSettings side_of(const config::ListSettings& list) {
  config::ListSettings side = list;
  side.max_bytes = kMaxSideBytes;
  if (!list.verify.url.empty()) {
    side.url = list.verify.url;
  } else {
    const std::size_t end = without_query(list.url).size();
    side.url.insert(end, list.verify.type == config::VerifyType::sha256 ? ".sha256" : ".minisig");
  }
  // Credentials are for the server of the list only.
  if (!same_origin(side.url, list.url)) side.auth = {};
  return side;
}

bool is_older(std::uint64_t fresh, std::uint64_t earlier, bool wraps) {
  if (!wraps) return fresh < earlier;
  constexpr std::uint32_t kHalf = std::uint32_t{1} << 31;  // RFC 1982, section 3.2
  const std::uint32_t distance = static_cast<std::uint32_t>(earlier) - static_cast<std::uint32_t>(fresh);
  return distance != 0 && distance < kHalf;
}

}  // namespace

bool same_origin(std::string_view url, std::string_view other) { return origin_of(url) == origin_of(other); }

base::Result<Edition> verify_feed(const config::ListSettings& list, std::string_view bytes,
                                  const std::atomic<bool>& stop) {
  if (list.verify.type == config::VerifyType::none) return Edition{};
  const config::ListSettings side = side_of(list);
  const auto fetched = fetch(side, {}, stop);
  if (!fetched) return fetched.error();
  const auto named = [&side](const base::Error& error) {
    return base::Error{error.code, describe_source(side) + ": " + error.message};
  };
  if (list.verify.type == config::VerifyType::sha256) {
    const std::string_view path = without_query(list.url);
    const auto status = verify_sha256(bytes, fetched.value().bytes, path.substr(path.rfind('/') + 1));
    if (!status) return named(status.error());
    return Edition{};
  }
  const auto comment = verify_minisign(bytes, fetched.value().bytes, list.verify.public_key);
  if (!comment) return named(comment.error());
  return Edition{.serial = {},
                 .signed_serial = comment.value().serial,
                 .signed_unix_seconds = comment.value().timestamp};
}

base::Status check_not_older(const config::ListSettings& list, const Edition& fresh, const Edition& earlier) {
  if (!list.guards.refuse_older) return base::ok_status();
  const bool wraps = formats::serial_wraps(list.format);
  struct Mark {
    const char* name;
    std::optional<std::uint64_t> fresh;
    std::optional<std::uint64_t> earlier;
    bool wraps;
  };
  for (const Mark& mark :
       {Mark{"serial number", fresh.serial, earlier.serial, wraps},
        Mark{"signed serial number", fresh.signed_serial, earlier.signed_serial, false},
        Mark{"signing time", fresh.signed_unix_seconds, earlier.signed_unix_seconds, false}}) {
    if (!mark.earlier) continue;
    if (!mark.fresh) {
      return base::Error{"guard_older", fmt::format("the list has no {}; the last good list had {}",
                                                    mark.name, *mark.earlier)};
    }
    if (is_older(*mark.fresh, *mark.earlier, mark.wraps)) {
      return base::Error{"guard_older",
                         fmt::format("the list has {} {}, older than {} of the last good list: an old list "
                                     "replayed? (guards.refuse_older)",
                                     mark.name, *mark.fresh, *mark.earlier)};
    }
  }
  return base::ok_status();
}

}  // namespace weir::control
