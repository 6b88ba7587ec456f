#include "dataplane/inspect/decision/request_decider.h"

#include <algorithm>

#include "dataplane/flow/source.h"

namespace weir::inspect {

using base::Counter;
using base::index_of;
using base::Reason;
using base::RequestVerdict;

RequestDecider::RequestDecider(base::Counters& counters, RequestObserver* observer)
    : counters_(counters), observer_(observer), url_(std::make_unique<proto::CanonicalUrl>()) {}

void RequestDecider::decide(const match::SnapshotView* snapshot, const RequestNames& names,
                            RequestRecord record, Findings& findings) noexcept {
  look_up(snapshot, names, record);
  counters_.add(Counter::requests, index_of(record.protocol), index_of(record.verdict));
  findings.found = true;
  if (record.reason == Reason::allow_rule) findings.allow = true;
  if (record.verdict != RequestVerdict::block) return;
  counters_.add(Counter::blocked, index_of(record.protocol), record.list.value);
  if (findings.block) return;
  findings.block = true;
  findings.protocol = record.protocol;
  findings.rule = record.rule;
  findings.list = record.list;
}

void RequestDecider::look_up(const match::SnapshotView* snapshot, const RequestNames& names,
                             RequestRecord& record) noexcept {
  const RequestName* decisive = nullptr;  // the name that is reported
  const RequestName* canonicalised = nullptr;
  record.reason = Reason::invalid_host;
  std::optional<base::ListIndex> unseen_list;
  bool plain = !names.has_more();
  for (const RequestName& name : names.all()) {
    canonicalised = nullptr;
    const proto::UrlError error = canonicalise(name);
    plain = plain && url_->was_plain();
    if (error != proto::UrlError::none) continue;
    canonicalised = &name;
    const match::Match match =
        snapshot == nullptr ? match::Match{} : match_of(*snapshot, name, names.host_only());
    if (match.path_rules_unseen && !unseen_list) unseen_list = match.path_list;
    const bool allowed_first =
        match.decision == match::Decision::allow && record.reason != Reason::allow_rule;
    if (decisive == nullptr || allowed_first || match.decision == match::Decision::block) {
      decisive = &name;
      record.rule = match.rule;
      record.list = match.list;
      record.reason = match::reason_of(match.decision);
    }
    if (match.decision == match::Decision::block) break;
  }
  RequestName further;
  if (!plain && !names.usual_only() && snapshot != nullptr && record.reason != Reason::listed) {
    canonicalised = nullptr;
    if (look_up_further(*snapshot, names, further, record)) decisive = canonicalised = &further;
  }
  record.verdict = record.reason == Reason::listed ? RequestVerdict::block : RequestVerdict::pass;
  if (unseen_list && record.reason == Reason::no_match) {
    counters_.add(Counter::unenforceable, unseen_list->value);
  }
  if (observer_ == nullptr) return;
  if (decisive != nullptr && decisive != canonicalised) {
    static_cast<void>(canonicalise(*decisive));
  }
  report(names, record);
}

bool RequestDecider::look_up_further(const match::SnapshotView& snapshot, const RequestNames& names,
                                     RequestName& listed, RequestRecord& record) noexcept {
  bool found = false;
  names.visit_further([&](const RequestName& name) {
    if (canonicalise(name) != proto::UrlError::none) return false;
    const match::Match match = match_of(snapshot, name, names.host_only());
    if (match.decision != match::Decision::block) return false;
    listed = name;
    record.rule = match.rule;
    record.list = match.list;
    record.reason = Reason::listed;
    return found = true;
  });
  return found;
}

proto::UrlError RequestDecider::canonicalise(const RequestName& name) noexcept {
  return name.is_name ? url_->assign_name(name.authority, name.target)
                      : url_->assign_request(name.authority, name.target);
}

match::Match RequestDecider::match_of(const match::SnapshotView& snapshot, const RequestName& name,
                                      bool host_only) noexcept {
  match::Match match =
      match::lookup(snapshot, {.url = url_.get(), .connection_port = name.port, .encrypted = host_only});
  if (match.decision == match::Decision::block) count_hit(match);
  return match;
}

void RequestDecider::count_hit(match::Match& match) noexcept {
  if (hits_ != nullptr) hits_->add(match.rule, match.of_page);
  if (tripped_.empty() || !std::binary_search(tripped_.begin(), tripped_.end(), match.rule.value)) return;
  tripped_match_ = true;
  match = {};
}

void RequestDecider::count_client(base::RuleId rule, const proto::IpAddress& client) noexcept {
  // One seed for all workers: their sets are joined.
  constexpr std::uint64_t kSeed = 0;
  if (hits_ != nullptr) hits_->add_client(rule, flow::hash_of_source(client, kSeed));
}

void RequestDecider::report(const RequestNames& names, RequestRecord& record) noexcept {
  if (record.reason != Reason::invalid_host) {
    record.host = url_->host();
    record.port = url_->written_port();
    if (!names.host_only()) {
      record.path = url_->path();
      if (url_->has_query()) record.query = url_->query();
    }
  }
  observer_->on_request(record);
}

}  // namespace weir::inspect
