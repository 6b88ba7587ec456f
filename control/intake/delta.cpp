#include "control/intake/delta.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control/formats/delta_reader.h"
#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_set.h"
#include "dataplane/base/percent_encoding.h"

namespace weir::control {
namespace {

constexpr int kNoContent = 204;

/// Whether the server has no changes since the token: it does not know it, it is too old, or there never are
/// any.
bool means_no_changes(const ResponseInfo& response) {
  const int status = response.status.value_or(0);
  return status == 404 || status == 409 || status == 410;
}

constexpr base::ByteSet reserved_bytes() {
  base::ByteSet reserved{};
  for (std::size_t byte = 0; byte < reserved.size(); ++byte) {
    const char c = static_cast<char>(byte);
    reserved[byte] =
        !base::ascii_alpha(c) && !base::ascii_digit(c) && c != '-' && c != '.' && c != '_' && c != '~';
  }
  return reserved;
}
/// All bytes that are not unreserved characters (RFC 3986, section 2.3).
constexpr base::ByteSet kReserved = reserved_bytes();

std::string with_token(std::string url, std::string_view token) {
  constexpr std::string_view place = "{token}";
  std::string encoded(3 * token.size(), '\0');
  const char* end = base::append_percent_encoded(token, kReserved, encoded.data());
  encoded.resize(static_cast<std::size_t>(end - encoded.data()));
  for (std::size_t at = url.find(place); at != std::string::npos; at = url.find(place, at + encoded.size()))
    url.replace(at, place.size(), encoded);
  return url;
}

/// The settings to fetch and verify the changes with.
config::ListSettings changes_of(const config::ListSettings& list, std::string_view token) {
  config::ListSettings changes = list;
  changes.url = with_token(list.delta.url, token);
  changes.verify.url = with_token(list.delta.verify_url, token);
  // Credentials are for the server of the list only.
  if (!same_origin(changes.url, list.url)) changes.auth = {};
  return changes;
}

/// The entries that were added, or removed, and their lines.
struct Side {
  RuleSet rules;
  std::vector<std::size_t> lines;
};

base::Error mismatch(std::size_t line, std::string_view what) {
  return {"delta_mismatch", fmt::format("line {}: {}", line, what)};
}

/// `base` without the entries of `removed`, and with those of `added`.
base::Result<ParsedList> combine(const DeltaBase& base, const Side& added, const Side& removed) {
  const RuleSet& old = base.content->rules;
  if (base.duplicates != 0 && removed.rules.size() != 0) {
    return base::Error{
        "delta_duplicates",
        fmt::format("line {}: removes an entry from a list with {} duplicates; another copy of "
                    "the entry may remain",
                    removed.lines.front(), base.duplicates)};
  }
  const RuleIndex index = index_all(old);
  const RuleIndex removals = index_all(removed.rules);
  std::vector<bool> gone(old.size(), false);
  for (std::size_t i = 0; i < removed.rules.size(); ++i) {
    const auto place = index.find(removed.rules, i);
    if (!place) return mismatch(removed.lines[i], "removes an entry that the list does not have");
    if (gone[*place]) return mismatch(removed.lines[i], "removes an entry twice");
    gone[*place] = true;
  }
  ParsedList list;
  rules::Rule rule;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (gone[i]) continue;
    old.read(i, rule);
    list.rules.append(rule);
  }
  list.duplicates = base.duplicates;
  RuleIndex result = index_all(list.rules);
  for (std::size_t i = 0; i < added.rules.size(); ++i) {
    if (removals.find(added.rules, i))
      return mismatch(added.lines[i], "adds an entry that another line removes");
    added.rules.read(i, rule);
    list.rules.append(rule);
    if (result.insert(list.rules.size() - 1)) continue;
    list.rules.pop_back();
    ++list.duplicates;
  }
  return list;
}

Edition updated(Edition earlier, const Edition& changes) {
  if (changes.serial) earlier.serial = changes.serial;
  if (changes.signed_serial) earlier.signed_serial = changes.signed_serial;
  if (changes.signed_unix_seconds) earlier.signed_unix_seconds = changes.signed_unix_seconds;
  return earlier;
}

}  // namespace

base::Result<AppliedDelta> apply_delta(const config::ListSettings& list, const DeltaBase& base,
                                       std::string_view bytes, const ProtectedHosts& protected_hosts,
                                       rules::EntryParser& parser) {
  Side added;
  Side removed;
  RefusedLines refused;
  std::optional<base::Error> bad_removal;
  const bool block_host_on_tls = list.on_tls == config::OnTls::block_host;
  const auto keep = [](Side& side, const rules::Rule& rule, std::size_t line) {
    side.rules.append(rule);
    side.lines.push_back(line);
  };
  const formats::DeltaSink sink{
      .added = {.rule =
                    [&](rules::Rule&& rule, std::size_t line) {
                      if (protected_hosts.covers(rule, block_host_on_tls))
                        return refused.add({line, "would block a protected host"});
                      keep(added, rule, line);
                    },
                .refused = [&](rules::LineError&& error) { refused.add(std::move(error)); }},
      .removed = {.rule = [&](rules::Rule&& rule, std::size_t line) { keep(removed, rule, line); },
                  .refused =
                      [&](rules::LineError&& error) {
                        if (!bad_removal)
                          bad_removal = mismatch(error.line, "removes an invalid entry: " + error.message);
                      }}};
  const auto facts = formats::read_delta(list, bytes, parser, sink);
  if (!facts) return facts.error();
  // Changes that do not name their token were asked for by it.
  if (facts.value().since.value_or(base.token) != base.token)
    return base::Error{"delta_base", "the changes start at another token than the one asked for"};
  if (bad_removal) return *bad_removal;
  AppliedDelta applied;
  applied.token = facts.value().token;
  applied.edition =
      updated(base.edition, {.serial = facts.value().serial, .signed_serial = {}, .signed_unix_seconds = {}});
  if (added.rules.size() == 0 && removed.rules.size() == 0 && refused.count == 0) return applied;
  auto combined = combine(base, added, removed);
  if (!combined) return combined.error();
  applied.list = std::move(combined).value();
  applied.list->refused = std::move(refused);
  return applied;
}

DeltaFetch fetch_delta(const config::ListSettings& list, const DeltaBase& base,
                       const std::filesystem::path& protected_hosts, rules::EntryParser& parser,
                       const std::atomic<bool>& stop) {
  DeltaFetch answer;
  const config::ListSettings changes = changes_of(list, base.token);
  const auto refuse = [&answer](base::Error error) {
    answer.result = DeltaProblem{.kind = DeltaProblem::Kind::refused, .error = std::move(error)};
    return std::move(answer);
  };
  const auto named = [&changes](const base::Error& error) {
    return base::Error{error.code, describe_source(changes) + ": " + error.message};
  };
  const auto fetched = fetch(changes, {}, stop, &answer.response);
  if (answer.response.status == kNoContent) {
    answer.result = AppliedDelta{.token = base.token, .edition = base.edition, .list = {}};
    return answer;
  }
  if (!fetched) {
    if (means_no_changes(answer.response)) {
      answer.result = DeltaProblem{.kind = DeltaProblem::Kind::expired,
                                   .error = {"delta_expired", fetched.error().message}};
    } else {
      answer.result = fetched.error();
    }
    return answer;
  }
  const auto protects = ProtectedHosts::read(protected_hosts, parser);
  if (!protects) {
    answer.result = protects.error();
    return answer;
  }
  const auto signature = verify_feed(changes, fetched.value().bytes, stop);
  if (!signature) return refuse(signature.error());
  auto applied = apply_delta(list, base, fetched.value().bytes, protects.value(), parser);
  if (!applied) return refuse(named(applied.error()));
  applied.value().edition = updated(applied.value().edition, signature.value());
  base::Status guarded = check_not_older(list, applied.value().edition, base.edition);
  if (guarded && applied.value().list)
    guarded = check_size(list.guards, applied.value().list->rules.size(), base.content->rules.size());
  if (!guarded) return refuse(named(guarded.error()));
  answer.result = std::move(applied).value();
  return answer;
}

}  // namespace weir::control
