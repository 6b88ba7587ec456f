#include "dataplane/rules/snapshot_builder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <idn2.h>
#include <sys/random.h>
#include <xxhash.h>

#include "dataplane/match/slot.h"
#include "dataplane/match/snapshot_format.h"
#include "dataplane/proto/url/url.h"
#include "dataplane/rules/table_builder.h"

namespace weir::rules {
namespace {

using match::Fingerprint;
using match::kBelow;
using match::KeyKind;
using match::kLayers;
using match::kSelf;
using match::ListRecord;
using match::Slot;
using match::SnapshotHeader;
using match::SnapshotId;

constexpr std::string_view kWww = "www.";

// A host under which a rule is compiled, and the scopes of the rule for it.
struct HostKey {
  std::string host;
  std::uint8_t scope = 0;
};

// The host in percent-encoded UTF-8, the canonical form of a request with the raw name. Empty when it has no
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

// By the last byte, which is the same for all canonical addresses and few names.
bool may_be_address(std::string_view host) noexcept {
  return !host.empty() && ((host.back() >= '0' && host.back() <= '9') || host.back() == ']');
}

}  // namespace

SnapshotSeed random_snapshot_seed() {
  SnapshotSeed seed{};
  // Requests of up to 256 bytes are always complete; only a signal before the pool is ready interrupts them.
  while (getrandom(seed.data(), sizeof(seed), 0) != static_cast<ssize_t>(sizeof(seed))) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return seed;
}

struct SnapshotBuilder::State {
  /// The tables of one layer.
  struct Layer {
    TableBuilder hosts;
    TableBuilder paths;
  };

  State(Header wanted, std::vector<ListPolicy> policies)
      : header(wanted), lists(std::move(policies)), records(lists.size()), fingerprinter(header.seed) {}

  Header header;
  std::vector<ListPolicy> lists;
  std::vector<ListRecord> records;
  match::Fingerprinter fingerprinter;
  std::array<Layer, kLayers> layers;
  std::vector<HostKey> keys;  // of the current rule
  std::size_t duplicates = 0;
  bool built = false;
  proto::CanonicalUrl url;

  Layer& layer_of(const Rule& rule) { return layers[records[rule.list.value].layer]; }
  void find_host_keys(const Rule& rule);
  void put(TableBuilder& table, const Fingerprint& key, const Rule& rule, std::uint8_t flags,
           bool primary) const;
  void put_path_rule(const Rule& rule);
  void reduce();
  std::vector<std::byte> write(std::size_t first_layer, const SnapshotId& base);
};

// The host of the rule itself comes first.
void SnapshotBuilder::State::find_host_keys(const Rule& rule) {
  const ListPolicy& policy = lists[rule.list.value];
  const bool is_address = may_be_address(rule.host) &&
                          url.assign_request(rule.host, "") == proto::UrlError::none && url.host_is_address();
  std::uint8_t scope = kSelf;
  if (rule.kind == RuleKind::domain || (!rule.is_whole_host() && policy.subdomains)) scope = kSelf | kBelow;
  if (rule.kind == RuleKind::subdomains) scope = kBelow;
  // An address has no hosts below it: 192.0.2.1 does not match the name a.192.0.2.1.
  if (is_address) scope &= kSelf;
  keys.clear();
  if (scope == 0) return;
  keys.resize(1);
  keys[0].host = rule.host;
  keys[0].scope = scope;
  if (policy.www_equivalent && !is_address && (scope & kSelf) != 0) {
    std::string other = www_counterpart(rule.host);
    const bool covered = rule.kind == RuleKind::domain && other.size() > rule.host.size();
    if (!other.empty() && !covered) keys.push_back({.host = std::move(other), .scope = kSelf});
  }
  for (std::size_t i = 0, count = keys.size(); i < count; ++i) {
    std::string raw = unicode_spelling(keys[i].host, url);
    if (!raw.empty()) keys.push_back({.host = std::move(raw), .scope = keys[i].scope});
  }
}

void SnapshotBuilder::State::put(TableBuilder& table, const Fingerprint& key, const Rule& rule,
                                 std::uint8_t flags, bool primary) const {
  Slot slot{.key = key, .value = rule.id.value, .list = rule.list.value, .flags = flags, .primary = primary};
  if (rule.action == Action::allow) slot.flags |= match::kAllow;
  if (rule.port) {
    slot.key = fingerprinter.with_port(key, *rule.port);
    table.add({.key = key, .value = 0, .list = 0, .flags = match::kPortInfo, .primary = false});
  }
  table.add(slot);
}

void SnapshotBuilder::State::put_path_rule(const Rule& rule) {
  std::size_t depth = 0;
  Fingerprint directory;
  Fingerprint path = fingerprinter.walk_path(rule.path, [&](std::size_t at, const Fingerprint& fingerprint) {
    depth = at;
    directory = fingerprint;
  });
  Slot info;
  info.flags = match::kPathInfo;
  KeyKind kind = KeyKind::url;
  if (rule.kind == RuleKind::prefix) {
    kind = KeyKind::prefix;
    path = directory;
    info.value = match::depth_set(depth);
  } else if (rule.kind == RuleKind::url_query) {
    kind = KeyKind::url_query;
    path = fingerprinter.with_query(path, rule.query);
    info.flags |= match::kHasUrlQuery;
  } else {
    info.flags |= match::kHasUrl;
  }
  const bool is_block = rule.action == Action::block;
  if (is_block) info.flags |= match::kHasBlock;
  if (is_block) info.list = rule.list.value;
  Layer& layer = layer_of(rule);
  const std::uint8_t info_flags = info.flags;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const HostKey& host = keys[i];
    info.key = fingerprinter.of(host.host);
    put(layer.paths, fingerprinter.join(info.key, path, kind), rule, host.scope, i == 0);
    for (const std::uint8_t scope : {kSelf, kBelow}) {
      if ((host.scope & scope) == 0) continue;
      info.flags = info_flags | scope;
      layer.hosts.add(info);
    }
    if (is_block && lists[rule.list.value].block_host_on_tls) {
      put(layer.hosts, info.key, rule, kSelf | match::kEncryptedOnly, false);
    }
  }
}

void SnapshotBuilder::State::reduce() {
  if (built) throw std::logic_error("a snapshot builder can build only once");
  built = true;
  for (Layer& layer : layers) {
    layer.hosts.reduce([this](const Slot& slot, bool is_first) {
      is_first ? ++records[slot.list].whole_host_rules : ++duplicates;
    });
    layer.paths.reduce([this](const Slot& slot, bool is_first) {
      is_first ? ++records[slot.list].path_rules : ++duplicates;
    });
  }
}

std::vector<std::byte> SnapshotBuilder::State::write(std::size_t first_layer, const SnapshotId& base) {
  using Density = TableBuilder::Density;
  SnapshotHeader wanted{};
  wanted.magic = match::kSnapshotMagic;
  wanted.version = match::kSnapshotVersion;
  wanted.header_bytes = sizeof(SnapshotHeader);
  wanted.generation = header.generation.value;
  wanted.created_unix_seconds = header.created_unix_seconds;
  wanted.seed = header.seed;
  wanted.base_generation = base.generation.value;
  wanted.base_checksum = base.checksum;
  wanted.list_count = static_cast<std::uint32_t>(lists.size());
  const std::size_t lists_bytes = records.size() * sizeof(ListRecord);
  std::size_t most_bytes = sizeof(SnapshotHeader) + lists_bytes;
  for (std::size_t i = first_layer; i < kLayers; ++i) {
    most_bytes += table_bytes(layers[i].hosts.size(), Density::fast);
    most_bytes += table_bytes(layers[i].paths.size(), Density::compact);
  }
  std::vector<std::byte> bytes;
  bytes.reserve(most_bytes);
  bytes.resize(sizeof(SnapshotHeader) + lists_bytes);
  if (!records.empty()) std::memcpy(bytes.data() + sizeof(SnapshotHeader), records.data(), lists_bytes);
  for (std::size_t i = first_layer; i < kLayers; ++i) {
    // A whole snapshot without manual lists has no layer 1.
    const auto in_layer = [i](const ListRecord& record) { return record.layer == i; };
    if (i > first_layer && std::none_of(records.begin(), records.end(), in_layer)) continue;
    wanted.layers[i].hosts = layers[i].hosts.write(bytes, Density::fast);
    wanted.layers[i].paths = layers[i].paths.write(bytes, Density::compact);
  }
  wanted.total_bytes = bytes.size();
  std::memcpy(bytes.data(), &wanted, sizeof(wanted));
  wanted.checksum = XXH3_64bits(bytes.data() + match::kChecksumStart, bytes.size() - match::kChecksumStart);
  std::memcpy(bytes.data() + offsetof(SnapshotHeader, checksum), &wanted.checksum, sizeof(wanted.checksum));
  return bytes;
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
    const ListPolicy& list = state_->lists[i];
    std::copy(list.name.begin(), list.name.end(), state_->records[i].name.begin());
    state_->records[i].layer = list.manual ? 1 : 0;
  }
}

SnapshotBuilder::~SnapshotBuilder() = default;

void SnapshotBuilder::add(const Rule& rule) {
  if (rule.list.value >= state_->lists.size()) throw std::invalid_argument("the rule's list does not exist");
  if (rule.id.value == 0) throw std::invalid_argument("the rule has no id");
  state_->find_host_keys(rule);
  if (!rule.is_whole_host()) {
    state_->put_path_rule(rule);
    return;
  }
  State::Layer& layer = state_->layer_of(rule);
  for (std::size_t i = 0; i < state_->keys.size(); ++i) {
    const HostKey& key = state_->keys[i];
    state_->put(layer.hosts, state_->fingerprinter.of(key.host), rule, key.scope, i == 0);
  }
}

std::size_t SnapshotBuilder::duplicates() const noexcept { return state_->duplicates; }

std::vector<std::byte> SnapshotBuilder::build() {
  state_->reduce();
  return state_->write(0, {});
}

std::vector<std::byte> SnapshotBuilder::build_overlay(const SnapshotId& base) {
  if (base.seed != state_->header.seed) {
    throw std::invalid_argument("an overlay needs the seed of the snapshot that it belongs to");
  }
  const auto& layer = state_->layers[0];
  if (layer.hosts.size() + layer.paths.size() > 0) {
    throw std::invalid_argument("an overlay can hold only rules of manual lists");
  }
  state_->reduce();
  return state_->write(1, base);
}

}  // namespace weir::rules
