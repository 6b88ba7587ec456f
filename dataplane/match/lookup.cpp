#include "match/lookup.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace weir::match {
namespace {

// A canonical host has no empty labels.
constexpr std::size_t kMaxSuffixes = (proto::kMaxHostBytes + 1) / 2;

// Hosts whose table lines are fetched together.
constexpr std::size_t kBatch = 8;

// A host with path rules that may hold for the request. Without initialisers, so that an array of them costs
// nothing until it is filled.
struct PathHost {
  const Slot* info;    // its path info
  std::uint8_t scope;  // kSelf or kBelow

  [[nodiscard]] bool has(std::uint16_t bit) const noexcept { return (info->port & bit) != 0; }
  [[nodiscard]] bool has_prefix_at(std::size_t depth) const noexcept {
    const std::size_t deepest = info->port >> kDepthShift;
    if (depth > deepest && deepest != kUnlimitedDepth) return false;
    return ((info->value >> std::min<std::size_t>(depth, kDeepestBit)) & 1U) != 0;
  }
};

class Search {
 public:
  Search(const SnapshotView& snapshot, const Query& query) noexcept
      : snapshot_(snapshot), fingerprinter_(snapshot.fingerprinter()), query_(query) {
    if (const auto written = query.url->written_port()) ports_[port_count_++] = *written;
    if (query.connection_port != 0 && (port_count_ == 0 || ports_[0] != query.connection_port)) {
      ports_[port_count_++] = query.connection_port;
    }
  }

  Match run() noexcept {
    visit_hosts();
    if (!query_.encrypted && path_host_count_ > 0) visit_paths();
    Match match;
    if (best_.present()) {
      match.decision = best_.has(kAllow) ? Decision::allow : Decision::block;
      match.rule = {best_.value};
      match.list = {best_.list};
    } else if (query_.encrypted) {
      report_unseen(match);
    }
    return match;
  }

 private:
  template <class OnSlot>
  static void for_each_slot(std::span<const Slot> table, const Fingerprint& key, OnSlot&& on_slot) noexcept {
    const std::size_t mask = table.size() - 1;
    for (std::size_t place = key.low & mask; table[place].present(); place = (place + 1) & mask) {
      if (table[place].key == key) on_slot(table[place]);
    }
  }

  void consider(const Slot& rule, std::uint8_t scope) noexcept {
    if (!rule.has(scope) || (rule.has(kEncryptedOnly) && !query_.encrypted)) return;
    if (!best_.present() || decides_over(rule, best_)) best_ = rule;
  }

  // Every rule of the key, with and without a port; on_path_info gets what the host table says of paths.
  template <class OnPathInfo>
  void visit_key(std::span<const Slot> table, const Fingerprint& key, std::uint8_t scope,
                 OnPathInfo&& on_path_info) noexcept {
    bool has_ports = false;
    for_each_slot(table, key, [&](const Slot& slot) noexcept {
      if (slot.is_rule()) {
        if (slot.port == 0) consider(slot, scope);
      } else if (slot.has(kPortInfo)) {
        has_ports = true;
      } else if (slot.has(scope)) {
        on_path_info(slot);
      }
    });
    if (!has_ports) return;
    for (std::size_t i = 0; i < port_count_; ++i) {
      for_each_slot(table, fingerprinter_.with_port(key, ports_[i]), [&](const Slot& slot) noexcept {
        if (slot.is_rule() && slot.port == ports_[i]) consider(slot, scope);
      });
    }
  }

  void visit_path_key(const PathHost& host, const Fingerprint& path, KeyKind kind) noexcept {
    visit_key(snapshot_.path_slots(), fingerprinter_.join(host.info->key, path, kind), host.scope,
              [](const Slot&) noexcept {});
  }

  // The host itself and, unless it is an address, every host above it. The keys of a batch are computed, and
  // their slots asked for, before the first is read: a miss of the cache costs more than all the hashing.
  void visit_hosts() noexcept {
    const std::span<const Slot> table = snapshot_.host_slots();
    std::string_view suffix = query_.url->host();
    std::uint8_t scope = kSelf;
    while (!suffix.empty()) {
      std::array<Fingerprint, kBatch> keys;
      std::size_t count = 0;
      while (!suffix.empty() && count < keys.size()) {
        keys[count] = fingerprinter_.of(suffix);
        __builtin_prefetch(&table[keys[count].low & (table.size() - 1)]);
        ++count;
        const std::size_t dot = suffix.find('.');
        const bool is_last = dot == std::string_view::npos || query_.url->host_is_address();
        suffix.remove_prefix(is_last ? suffix.size() : dot + 1);
      }
      for (std::size_t i = 0; i < count; ++i) {
        visit_key(table, keys[i], scope, [&](const Slot& info) noexcept {
          if (path_host_count_ == path_hosts_.size()) return;
          path_hosts_[path_host_count_++] = {.info = &info, .scope = scope};
        });
        scope = kBelow;
      }
    }
  }

  [[nodiscard]] std::span<const PathHost> path_hosts() const noexcept {
    return {path_hosts_.data(), path_host_count_};
  }

  void visit_paths() noexcept {
    const auto on_directory = [this](std::size_t depth, const Fingerprint& directory) noexcept {
      for (const PathHost& host : path_hosts()) {
        if (host.has_prefix_at(depth)) visit_path_key(host, directory, KeyKind::prefix);
      }
    };
    const Fingerprint path = fingerprinter_.walk_path(query_.url->path(), on_directory);
    for (const PathHost& host : path_hosts()) {
      if (host.has(kHasUrl)) visit_path_key(host, path, KeyKind::url);
    }
    if (!query_.url->has_query()) return;
    std::optional<Fingerprint> with_query;
    for (const PathHost& host : path_hosts()) {
      if (!host.has(kHasUrlQuery)) continue;
      if (!with_query) with_query = fingerprinter_.with_query(path, query_.url->query());
      visit_path_key(host, *with_query, KeyKind::url_query);
    }
  }

  void report_unseen(Match& match) const noexcept {
    for (const PathHost& host : path_hosts()) {
      if (!host.has(kHasBlock)) continue;
      if (!match.path_rules_unseen || host.info->list < match.path_list.value) {
        match.path_list = {host.info->list};
      }
      match.path_rules_unseen = true;
    }
  }

  const SnapshotView& snapshot_;
  const Fingerprinter& fingerprinter_;
  const Query& query_;
  std::array<std::uint16_t, 2> ports_{};
  std::size_t port_count_ = 0;
  std::array<PathHost, kMaxSuffixes> path_hosts_;
  std::size_t path_host_count_ = 0;
  Slot best_{};
};

}  // namespace

Match lookup(const SnapshotView& snapshot, const Query& query) noexcept {
  return Search(snapshot, query).run();
}

}  // namespace weir::match
