#include "match/snapshot_builder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <idn2.h>
#include <sys/random.h>
#include <xxhash.h>

#include "match/slot_table.h"
#include "match/snapshot_format.h"
#include "proto/url.h"

namespace weir::match {
namespace {

constexpr std::string_view kWww = "www.";

// A host under which a rule is compiled, and which of the rule's scopes hold there.
struct HostKey {
  std::string host;
  std::uint8_t scope = 0;
};

// The host in percent-encoded UTF-8, as a request with the raw name canonicalises; empty where it has no
// A-label or libidn2 cannot read it.
std::string unicode_spelling(const std::string& host, proto::CanonicalUrl& url) {
  if (host.find("xn--") == std::string::npos) return {};
  char* result = nullptr;
  const int status = idn2_to_unicode_8z8z(host.c_str(), &result, 0);
  const std::unique_ptr<char, void (*)(void*)> owner(result, idn2_free);
  if (status != IDN2_OK || url.assign_request(result, "") != proto::UrlError::none) return {};
  return url.host() == host ? std::string() : std::string(url.host());
}

// www.X and X are one host: a rule that holds for the one itself holds for the other itself.
std::string www_counterpart(const std::string& host) {
  if (!host.starts_with(kWww)) return std::string(kWww) + host;
  const std::string base = host.substr(kWww.size());
  return base.find('.') == std::string::npos ? std::string() : base;
}

bool is_printable(std::string_view name) noexcept {
  return std::none_of(name.begin(), name.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; });
}

template <class T>
void append_bytes(std::vector<std::byte>& out, const T* items, std::size_t count) {
  const auto* const start = reinterpret_cast<const std::byte*>(items);
  out.insert(out.end(), start, start + count * sizeof(T));
}

}  // namespace

SnapshotSeed random_snapshot_seed() {
  SnapshotSeed seed{};
  // Requests of up to 256 bytes are never cut short; only a signal before the pool is ready interrupts.
  while (getrandom(seed.data(), sizeof(seed), 0) != static_cast<ssize_t>(sizeof(seed))) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return seed;
}

struct SnapshotBuilder::State {
  struct FingerprintHash {
    std::size_t operator()(const Fingerprint& key) const noexcept { return key.low; }
  };

  State(Header wanted, std::vector<ListPolicy> policies)
      : header(wanted), lists(std::move(policies)), records(lists.size()), fingerprinter(header.seed) {}

  Header header;
  std::vector<ListPolicy> lists;
  std::vector<ListRecord> records;
  Fingerprinter fingerprinter;
  std::vector<Slot> hosts;
  std::vector<Slot> paths;
  std::unordered_set<Fingerprint, FingerprintHash> seen;
  std::size_t duplicates = 0;
  proto::CanonicalUrl url;

  bool is_new(const Rule& rule);
  std::vector<HostKey> host_keys(const Rule& rule);
  void put(std::vector<Slot>& table, const Fingerprint& key, const Rule& rule, std::uint8_t flags) const;
  void put_path_rule(const Rule& rule, const std::vector<HostKey>& keys);
};

bool SnapshotBuilder::State::is_new(const Rule& rule) {
  std::string identity = rule.canonical_text();
  identity.push_back('\0');
  identity.push_back(static_cast<char>(rule.list.value));
  identity.push_back(static_cast<char>(rule.kind));
  identity.push_back(static_cast<char>(rule.action));
  return seen.insert(fingerprinter.of(identity)).second;
}

std::vector<HostKey> SnapshotBuilder::State::host_keys(const Rule& rule) {
  const ListPolicy& policy = lists[rule.list.value];
  const bool is_address = url.assign_request(rule.host, "") == proto::UrlError::none && url.host_is_address();
  std::uint8_t scope = kSelf;
  if (rule.kind == RuleKind::domain || (!rule.is_whole_host() && policy.subdomains)) scope = kSelf | kBelow;
  if (rule.kind == RuleKind::subdomains) scope = kBelow;
  // An address has no hosts below it: 192.0.2.1 says nothing of the name a.192.0.2.1.
  if (is_address) scope &= kSelf;
  std::vector<HostKey> keys{{.host = rule.host, .scope = scope}};
  if (policy.www_equivalent && !is_address && (scope & kSelf) != 0) {
    std::string other = www_counterpart(rule.host);
    const bool covered = rule.kind == RuleKind::domain && other.size() > rule.host.size();
    if (!other.empty() && !covered) keys.push_back({.host = std::move(other), .scope = kSelf});
  }
  for (std::size_t i = 0, count = keys.size(); i < count; ++i) {
    std::string raw = unicode_spelling(keys[i].host, url);
    if (!raw.empty()) keys.push_back({.host = std::move(raw), .scope = keys[i].scope});
  }
  return keys;
}

void SnapshotBuilder::State::put(std::vector<Slot>& table, const Fingerprint& key, const Rule& rule,
                                 std::uint8_t flags) const {
  Slot slot{.key = key, .value = rule.id.value, .port = 0, .list = rule.list.value, .flags = flags};
  slot.flags |= rule.action == Action::allow ? kPresent | kAllow : kPresent;
  if (rule.port) {
    slot.port = *rule.port;
    slot.key = fingerprinter.with_port(key, slot.port);
    table.push_back({.key = key, .value = 0, .port = 0, .list = 0, .flags = kPresent | kPortInfo});
  }
  table.push_back(slot);
}

void SnapshotBuilder::State::put_path_rule(const Rule& rule, const std::vector<HostKey>& keys) {
  std::size_t depth = 0;
  Fingerprint directory;
  Fingerprint path = fingerprinter.walk_path(rule.path, [&](std::size_t at, const Fingerprint& fingerprint) {
    depth = at;
    directory = fingerprint;
  });
  Slot info{.key = {}, .value = 0, .port = 0, .list = 0, .flags = 0};
  KeyKind kind = KeyKind::url;
  if (rule.kind == RuleKind::prefix) {
    kind = KeyKind::prefix;
    path = directory;
    info.value = std::uint32_t{1} << std::min<std::size_t>(depth, kDeepestBit);
    info.port = static_cast<std::uint16_t>(std::min<std::size_t>(depth, kUnlimitedDepth) << kDepthShift);
  } else if (rule.kind == RuleKind::url_query) {
    kind = KeyKind::url_query;
    path = fingerprinter.with_query(path, rule.query);
    info.port = kHasUrlQuery;
  } else {
    info.port = kHasUrl;
  }
  const bool is_block = rule.action == Action::block;
  if (is_block) info.port |= kHasBlock;
  if (is_block) info.list = rule.list.value;
  for (const HostKey& host : keys) {
    info.key = fingerprinter.of(host.host);
    put(paths, fingerprinter.join(info.key, path, kind), rule, host.scope);
    for (const std::uint8_t scope : {kSelf, kBelow}) {
      if ((host.scope & scope) == 0) continue;
      info.flags = kPresent | kPathInfo | scope;
      hosts.push_back(info);
    }
    if (is_block && lists[rule.list.value].block_host_on_tls) {
      put(hosts, info.key, rule, kSelf | kEncryptedOnly);
    }
  }
}

SnapshotBuilder::SnapshotBuilder(Header header, std::vector<ListPolicy> lists) {
  if (lists.size() > base::kMaxLists) {
    throw std::invalid_argument("too many lists: at most " + std::to_string(base::kMaxLists));
  }
  for (const ListPolicy& list : lists) {
    if (list.name.size() > kMaxListNameBytes || !is_printable(list.name)) {
      throw std::invalid_argument("a list's name must be printable and have at most " +
                                  std::to_string(kMaxListNameBytes) + " bytes");
    }
  }
  state_ = std::make_unique<State>(header, std::move(lists));
  for (std::size_t i = 0; i < state_->lists.size(); ++i) {
    const std::string& name = state_->lists[i].name;
    std::copy(name.begin(), name.end(), state_->records[i].name.begin());
  }
}

SnapshotBuilder::~SnapshotBuilder() = default;

void SnapshotBuilder::add(const Rule& rule) {
  if (rule.list.value >= state_->lists.size()) throw std::invalid_argument("the rule's list does not exist");
  if (rule.id.value == 0) throw std::invalid_argument("the rule has no id");
  ListRecord& record = state_->records[rule.list.value];
  if (!state_->is_new(rule)) {
    // Compiled all the same, so that the lowest id stands in whatever order they come.
    ++state_->duplicates;
  } else {
    ++(rule.is_whole_host() ? record.whole_host_rules : record.path_rules);
  }
  const std::vector<HostKey> keys = state_->host_keys(rule);
  if (!rule.is_whole_host()) {
    state_->put_path_rule(rule, keys);
    return;
  }
  for (const HostKey& key : keys) {
    state_->put(state_->hosts, state_->fingerprinter.of(key.host), rule, key.scope);
  }
}

std::size_t SnapshotBuilder::duplicates() const noexcept { return state_->duplicates; }

std::vector<std::byte> SnapshotBuilder::build() const {
  const std::vector<Slot> hosts = make_slot_table(reduce_slots(state_->hosts));
  const std::vector<Slot> paths = make_slot_table(reduce_slots(state_->paths));
  SnapshotHeader header{};
  header.magic = kSnapshotMagic;
  header.version = kSnapshotVersion;
  header.header_bytes = sizeof(SnapshotHeader);
  header.generation = state_->header.generation.value;
  header.created_unix_seconds = state_->header.created_unix_seconds;
  header.seed = state_->header.seed;
  header.list_count = static_cast<std::uint32_t>(state_->lists.size());
  header.lists_offset = sizeof(SnapshotHeader);
  header.hosts_offset = header.lists_offset + state_->records.size() * sizeof(ListRecord);
  header.host_slots = hosts.size();
  header.paths_offset = header.hosts_offset + hosts.size() * sizeof(Slot);
  header.path_slots = paths.size();
  header.total_bytes = header.paths_offset + paths.size() * sizeof(Slot);
  std::vector<std::byte> bytes;
  bytes.reserve(header.total_bytes);
  append_bytes(bytes, &header, 1);
  append_bytes(bytes, state_->records.data(), state_->records.size());
  append_bytes(bytes, hosts.data(), hosts.size());
  append_bytes(bytes, paths.data(), paths.size());
  header.checksum = XXH3_64bits(bytes.data() + kChecksumStart, bytes.size() - kChecksumStart);
  std::memcpy(bytes.data() + offsetof(SnapshotHeader, checksum), &header.checksum, sizeof(header.checksum));
  return bytes;
}

}  // namespace weir::match
