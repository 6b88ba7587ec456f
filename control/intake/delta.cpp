#include "control/intake/delta.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control/formats/delta_reader.h"
#include "control/intake/feed_source.h"

namespace weir::control {
namespace {

constexpr int kNoContent = 204;

/// What servers answer that have no changes since a token: it is unknown, too old, or they make none.
bool has_no_changes(int status) { return status == 404 || status == 409 || status == 410; }

std::string with_token(std::string url, std::string_view token) {
  constexpr std::string_view place = "{token}";
  std::string encoded;  // RFC 3986, 2.1
  for (const char c : token) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    encoded += unreserved ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  for (std::size_t at = url.find(place); at != std::string::npos; at = url.find(place, at + encoded.size()))
    url.replace(at, place.size(), encoded);
  return url;
}

/// How the changes are fetched and verified.
config::ListSettings changes_of(const config::ListSettings& list, std::string_view token) {
  config::ListSettings changes = list;
  changes.url = with_token(list.delta.url, token);
  changes.verify.url = with_token(list.delta.verify_url, token);
  // Who we are is for the list's own server.
  if (!same_origin(changes.url, list.url)) changes.auth = {};
  return changes;
}

/// Entries of one sign, and where they stand.
struct Side {
  RuleSet rules;
  std::vector<std::size_t> lines;
};

base::Error mismatch(std::size_t line, std::string_view what) {
  return {"delta_mismatch", fmt::format("line {}: {}", line, what)};
}

/// `base` without what `removed` says and with what `added` says.
base::Result<ParsedList> combine(const DeltaBase& base, const Side& added, const Side& removed) {
  const RuleSet& old = base.content->rules;
  if (base.duplicates != 0 && removed.rules.size() != 0) {
    return base::Error{"delta_duplicates",
                       fmt::format("line {}: a removal from a list with {} duplicates: does the entry "
                                   "stand there once more?",
                                   removed.lines.front(), base.duplicates)};
  }
  const RuleIndex index = index_all(old);
  const RuleIndex removals = index_all(removed.rules);
  std::vector<bool> gone(old.size(), false);
  for (std::size_t i = 0; i < removed.rules.size(); ++i) {
    const auto place = index.find(removed.rules, i);
    if (!place) return mismatch(removed.lines[i], "removes an entry that the list does not have");
    if (gone[*place]) return mismatch(removed.lines[i], "removes an entry for the second time");
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

Edition edition_of(Edition earlier, const Edition& said) {
  if (said.serial) earlier.serial = said.serial;
  if (said.signed_serial) earlier.signed_serial = said.signed_serial;
  if (said.signed_unix_seconds) earlier.signed_unix_seconds = said.signed_unix_seconds;
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
                          bad_removal = mismatch(error.line, "removes what is no entry: " + error.message);
                      }}};
  const auto facts = formats::read_delta(list, bytes, parser, sink);
  if (!facts) return facts.error();
  // Where changes do not say what they begin at, the address that they came from did.
  if (!facts.value().since.empty() && facts.value().since != base.token)
    return base::Error{"delta_base", "changes since another token than the one that was asked for"};
  if (bad_removal) return *bad_removal;
  AppliedDelta applied;
  applied.token = facts.value().token;
  applied.edition = edition_of(
      base.edition, {.serial = facts.value().serial, .signed_serial = {}, .signed_unix_seconds = {}});
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
  DeltaFetch result;
  const config::ListSettings changes = changes_of(list, base.token);
  const auto named = [&changes](const base::Error& error) {
    return base::Error{error.code, describe_source(changes) + ": " + error.message};
  };
  const auto fetched = fetch(changes, {}, stop, &result.said);
  result.token = base.token;
  result.edition = base.edition;
  if (result.said.status == kNoContent) return result;
  if (!fetched) {
    if (has_no_changes(result.said.status)) {
      result.refused = base::Error{"delta_expired", fetched.error().message};
    } else {
      result.failed = fetched.error();
    }
    return result;
  }
  const auto protects = ProtectedHosts::read(protected_hosts, parser);
  if (!protects) {
    result.failed = protects.error();
    return result;
  }
  const auto signature = verify_feed(changes, fetched.value().bytes, stop);
  if (!signature) {
    result.refused = signature.error();
    return result;
  }
  auto applied = apply_delta(list, base, fetched.value().bytes, protects.value(), parser);
  if (!applied) {
    result.refused = named(applied.error());
    return result;
  }
  result.token = std::move(applied.value().token);
  result.edition = edition_of(applied.value().edition, signature.value());
  result.list = std::move(applied.value().list);
  base::Status guarded = check_not_older(list, result.edition, base.edition);
  if (guarded && result.list)
    guarded = check_size(list.guards, result.list->rules.size(), base.content->rules.size());
  if (!guarded) result.refused = named(guarded.error());
  return result;
}

}  // namespace weir::control
