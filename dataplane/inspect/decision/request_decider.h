#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "dataplane/base/ids.h"
#include "dataplane/base/request.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/decision/request_names.h"
#include "dataplane/inspect/decision/rule_hits.h"
#include "dataplane/match/lookup.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/url/url.h"

namespace weir::inspect {

/// One decided request. Host, path and query are subscribers' traffic: only weir-replay prints them.
struct RequestRecord {
  base::Protocol protocol = base::Protocol::http;
  const proto::PacketView* packet = nullptr;  // the packet that completed the request
  std::string_view host{};                    // canonical; empty: the request has no valid host
  std::optional<std::string_view> path{};     // canonical
  std::optional<std::string_view> query{};    // canonical, without `?`
  std::optional<std::uint16_t> port{};        // as written
  std::optional<std::string_view> method{};
  std::span<const std::string_view> alpn{};
  bool ech = false;
  base::RequestVerdict verdict = base::RequestVerdict::pass;
  base::Reason reason = base::Reason::no_match;
  base::RuleId rule{};
  base::ListIndex list{};
};

/// Receives every decided request, in order, before inspect() returns. Views are valid during the call.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void on_request(const RequestRecord& record) noexcept = 0;
};

/// The decisions on all requests that one packet completed.
struct Findings {
  bool block = false;                              // at least one request is blocked
  bool allow = false;                              // at least one matched an allow rule
  bool found = false;                              // there was a request
  base::Protocol protocol = base::Protocol::http;  // of the first blocked request, as the next two
  base::RuleId rule{};
  base::ListIndex list{};
};

/// Looks up requests of every protocol in the snapshot, counts them and reports them to the observer. One per
/// inspector. Not thread safe; no allocation after construction.
class RequestDecider {
 public:
  explicit RequestDecider(base::Counters& counters, RequestObserver* observer = nullptr);

  /// Decides one request by all of its names (one listed name is enough) and adds the decision to `findings`.
  /// The caller fills in the protocol, the packet and the protocol's own fields of `record`. `snapshot` may
  /// be null.
  void decide(const match::SnapshotView* snapshot, const RequestNames& names, RequestRecord record,
              Findings& findings) noexcept;

  /// From now on, counts matches of block rules in `hits`, which must outlive the object.
  void count_hits(RuleHits& hits) noexcept { hits_ = &hits; }
  /// The request that a rule has just matched came from this client, over an established connection.
  void count_client(base::RuleId rule, const proto::IpAddress& client) noexcept;
  /// Sets the tripped block rules, which match nothing: their ids, sorted, valid until the next call.
  void set_tripped_rules(std::span<const std::uint32_t> rules) noexcept { tripped_ = rules; }
  /// Whether a tripped rule matched since the last call.
  bool take_tripped_match() noexcept { return std::exchange(tripped_match_, false); }

 private:
  /// Puts the decisive name's canonical form into url_ and the decision into `record`.
  void look_up(const match::SnapshotView* snapshot, const RequestNames& names,
               RequestRecord& record) noexcept;
  /// Looks up the names that only some servers see; a listed one becomes the decisive name in `listed`.
  /// Returns whether there is one.
  bool look_up_further(const match::SnapshotView& snapshot, const RequestNames& names, RequestName& listed,
                       RequestRecord& record) noexcept;
  proto::UrlError canonicalise(const RequestName& name) noexcept;
  /// What the snapshot says of the name that url_ holds. Counts a match of a block rule.
  match::Match match_of(const match::SnapshotView& snapshot, const RequestName& name,
                        bool host_only) noexcept;
  /// Counts the match of a block rule. If the rule is tripped, clears the match.
  void count_hit(match::Match& match) noexcept;
  void report(const RequestNames& names, RequestRecord& record) noexcept;

  base::Counters& counters_;
  RequestObserver* observer_;
  std::unique_ptr<proto::CanonicalUrl> url_;
  RuleHits* hits_ = nullptr;
  std::span<const std::uint32_t> tripped_{};
  bool tripped_match_ = false;
};

}  // namespace weir::inspect
