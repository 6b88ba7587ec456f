#include "dataplane/match/lookup.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "dataplane/match/slot.h"

namespace weir::match {
namespace {

// A canonical host has no empty labels, so each label takes at least two bytes with its dot.
constexpr std::size_t kMaxSuffixes = (proto::kMaxHostBytes + 1) / 2;

// Suffixes of one host that are looked up together; nearly every host has fewer.
constexpr std::size_t kSuffixBatch = 8;

// Requests whose table lines are prefetched together.
constexpr std::size_t kQueryBatch = 16;

// Fingerprints of the host and, unless it is an address, of every parent domain, longest first.
class Suffixes {
 public:
  void start(const proto::CanonicalUrl& url) noexcept {
    rest_ = url.host();
    is_address_ = url.host_is_address();
  }

  // Computes the next ones; false when there are no more.
  bool next(const Fingerprinter& fingerprinter) noexcept {
    count_ = 0;
    while (!rest_.empty() && count_ < keys_.size()) {
      keys_[count_++] = fingerprinter.of(rest_);
      const std::size_t dot = rest_.find('.');
      const bool is_last = dot == std::string_view::npos || is_address_;
      rest_.remove_prefix(is_last ? rest_.size() : dot + 1);
    }
    return count_ > 0;
  }

  [[nodiscard]] std::span<const Fingerprint> keys() const noexcept { return std::span(keys_).first(count_); }

 private:
  std::array<Fingerprint, kSuffixBatch> keys_;
  std::size_t count_ = 0;
  std::string_view rest_;
  bool is_address_ = false;
};

// A host with path rules that may match the request.
struct PathHost {
  Slot info;
  const TableView* paths = nullptr;  // of the layer of these rules
  std::uint8_t scope = 0;            // kSelf or kBelow
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

  // `suffixes` already has its first keys.
  Match run(Suffixes& suffixes) noexcept {
    scope_ = kSelf;
    do {
      visit_hosts(suffixes.keys());
    } while (suffixes.next(fingerprinter_));
    if (!query_.encrypted && path_host_count_ > 0) visit_paths();
    Match match;
    if (best_) {
      match.decision = best_->has(kAllow) ? Decision::allow : Decision::block;
      match.rule = {best_->value};
      match.list = {best_->list};
      match.of_page = best_is_path_ || best_->has(kEncryptedOnly);
    } else if (query_.encrypted) {
      report_unseen(match);
    }
    return match;
  }

 private:
  void consider(const Slot& rule, std::uint8_t scope) noexcept {
    if (!rule.has(scope) || (rule.has(kEncryptedOnly) && !query_.encrypted)) return;
    if (best_ && !decides_over(rule, *best_)) return;
    best_ = rule;
    best_is_path_ = in_paths_;
  }

  // Considers every rule of the key, with and without a port. `first` is the result of find(). on_path_info
  // gets the path info of the host table.
  template <class OnPathInfo>
  void visit_key(const TableView& table, const Fingerprint& key, std::uint32_t first, std::uint8_t scope,
                 OnPathInfo&& on_path_info) noexcept {
    bool has_ports = false;
    table.for_each(key, first, [&](const Slot& slot) noexcept {
      if (slot.is_rule()) {
        consider(slot, scope);
      } else if (slot.has(kPortInfo)) {
        has_ports = true;
      } else if (slot.has(scope)) {
        on_path_info(slot);
      }
    });
    if (!has_ports) return;
    for (std::size_t i = 0; i < port_count_; ++i) {
      const Fingerprint with_port = fingerprinter_.with_port(key, ports_[i]);
      table.for_each(with_port, table.find(with_port), [&](const Slot& slot) noexcept {
        if (slot.is_rule()) consider(slot, scope);
      });
    }
  }

  void visit_path_key(const PathHost& host, const Fingerprint& path, KeyKind kind) noexcept {
    const Fingerprint key = fingerprinter_.join(host.info.key, path, kind);
    visit_key(*host.paths, key, host.paths->find(key), host.scope, [](const Slot&) noexcept {});
  }

  void visit_hosts(std::span<const Fingerprint> keys) noexcept {
    std::array<std::uint32_t, kSuffixBatch> found;
    for (const LayerView& layer : snapshot_.layers()) {
      layer.hosts.find_batch(keys, std::span(found).first(keys.size()));
      std::uint8_t scope = scope_;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (found[i] != TableView::kNone) {
          visit_key(layer.hosts, keys[i], found[i], scope, [&](const Slot& info) noexcept {
            if (path_host_count_ == path_hosts_.size()) return;
            std::construct_at(path_hosts_.data() + path_host_count_++,
                              PathHost{.info = info, .paths = &layer.paths, .scope = scope});
          });
        }
        scope = kBelow;
      }
    }
    scope_ = kBelow;
  }

  [[nodiscard]] std::span<const PathHost> path_hosts() const noexcept {
    return std::span(path_hosts_).first(path_host_count_);
  }

  void visit_paths() noexcept {
    in_paths_ = true;
    const auto on_directory = [this](std::size_t depth, const Fingerprint& directory) noexcept {
      for (const PathHost& host : path_hosts()) {
        if (has_depth(host.info.value, depth)) visit_path_key(host, directory, KeyKind::prefix);
      }
    };
    const Fingerprint path = fingerprinter_.walk_path(query_.url->path(), on_directory);
    for (const PathHost& host : path_hosts()) {
      if (host.info.has(kHasUrl)) visit_path_key(host, path, KeyKind::url);
    }
    if (!query_.url->has_query()) return;
    std::optional<Fingerprint> with_query;
    for (const PathHost& host : path_hosts()) {
      if (!host.info.has(kHasUrlQuery)) continue;
      if (!with_query) with_query = fingerprinter_.with_query(path, query_.url->query());
      visit_path_key(host, *with_query, KeyKind::url_query);
    }
  }

  void report_unseen(Match& match) const noexcept {
    for (const PathHost& host : path_hosts()) {
      if (!host.info.has(kHasBlock)) continue;
      if (!match.path_rules_unseen || host.info.list < match.path_list.value) {
        match.path_list = {host.info.list};
      }
      match.path_rules_unseen = true;
    }
  }

  const SnapshotView& snapshot_;
  const Fingerprinter& fingerprinter_;
  const Query& query_;
  std::array<std::uint16_t, 2> ports_{};
  std::size_t port_count_ = 0;
  std::uint8_t scope_ = kSelf;
  std::optional<Slot> best_;
  bool best_is_path_ = false;
  bool in_paths_ = false;
  std::size_t path_host_count_ = 0;
  // Not initialised, which would cost more than the lookup. The first path_host_count_ are valid.
  union {
    std::array<PathHost, kLayers * kMaxSuffixes> path_hosts_;
  };
};

bool has_rule(const TableView& table, base::RuleId rule) noexcept {
  return std::any_of(table.entries().begin(), table.entries().end(), [rule](const TableEntry& entry) {
    return value_of(entry) == rule.value && (entry.flags & (kPathInfo | kPortInfo)) == 0;
  });
}

}  // namespace

Match lookup(const SnapshotView& snapshot, const Query& query) noexcept {
  Suffixes suffixes;
  suffixes.start(*query.url);
  suffixes.next(snapshot.fingerprinter());
  return Search(snapshot, query).run(suffixes);
}

void lookup_batch(const SnapshotView& snapshot, std::span<const Query> queries,
                  std::span<Match> matches) noexcept {
  std::array<Suffixes, kQueryBatch> suffixes;
  for (std::size_t start = 0; start < queries.size(); start += kQueryBatch) {
    const std::size_t count = std::min(kQueryBatch, queries.size() - start);
    for (std::size_t i = 0; i < count; ++i) {
      suffixes[i].start(*queries[start + i].url);
      suffixes[i].next(snapshot.fingerprinter());
      for (const LayerView& layer : snapshot.layers()) {
        for (const Fingerprint& key : suffixes[i].keys()) layer.hosts.prefetch(key);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      matches[start + i] = Search(snapshot, queries[start + i]).run(suffixes[i]);
    }
  }
}

bool contains_rule(const SnapshotView& snapshot, base::RuleId rule) noexcept {
  return std::any_of(snapshot.layers().begin(), snapshot.layers().end(), [rule](const LayerView& layer) {
    return has_rule(layer.hosts, rule) || has_rule(layer.paths, rule);
  });
}

}  // namespace weir::match
