#include "control/lists/rule_set.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <xxhash.h>

namespace weir::control {
namespace {

constexpr std::size_t kCountBytes = 2 * sizeof(std::uint64_t);

}  // namespace

void RuleSet::count(const Record& record, std::size_t amount) noexcept {
  if (record.kind <= static_cast<std::uint8_t>(rules::RuleKind::host)) whole_host_rules_ += amount;
  if (record.action == static_cast<std::uint8_t>(rules::Action::allow)) allow_rules_ += amount;
}

void RuleSet::append(const rules::Rule& rule) {
  const Record record{.offset = text_.size(),
                      .id = rule.id.value,
                      .path_bytes = static_cast<std::uint32_t>(rule.path.size()),
                      .query_bytes = static_cast<std::uint32_t>(rule.query.size()),
                      .host_bytes = static_cast<std::uint16_t>(rule.host.size()),
                      .port = rule.port.value_or(0),
                      .kind = static_cast<std::uint8_t>(rule.kind),
                      .action = static_cast<std::uint8_t>(rule.action),
                      .reserved = {}};
  text_.append(rule.host).append(rule.path).append(rule.query);
  records_.push_back(record);
  count(record, 1);
}

void RuleSet::read(std::size_t index, rules::Rule& rule) const {
  const Record& record = records_[index];
  const std::string_view text = text_of(record);
  rule.kind = static_cast<rules::RuleKind>(record.kind);
  rule.action = static_cast<rules::Action>(record.action);
  rule.host.assign(text.substr(0, record.host_bytes));
  rule.path.assign(text.substr(record.host_bytes, record.path_bytes));
  rule.query.assign(text.substr(std::size_t{record.host_bytes} + record.path_bytes));
  rule.port = record.port == 0 ? std::nullopt : std::optional<std::uint16_t>(record.port);
  rule.id = base::RuleId{record.id};
}

std::optional<std::size_t> RuleSet::find(base::RuleId id) const noexcept {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [id](const Record& record) { return record.id == id.value; });
  if (found == records_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - records_.begin());
}

void RuleSet::pop_back() {
  count(records_.back(), static_cast<std::size_t>(-1));
  text_.resize(records_.back().offset);
  records_.pop_back();
}

std::uint32_t RuleSet::highest_id() const noexcept {
  std::uint32_t highest = 0;
  for (const Record& record : records_) highest = std::max(highest, record.id);
  return highest;
}

std::string_view RuleSet::text_of(const Record& record) const noexcept {
  return std::string_view(text_).substr(
      record.offset, std::size_t{record.host_bytes} + record.path_bytes + record.query_bytes);
}

std::uint64_t RuleSet::hash(std::size_t index) const noexcept {
  const Record& record = records_[index];
  const std::string_view text = text_of(record);
  const std::uint64_t seed =
      (std::uint64_t{record.port} << 16) | (std::uint64_t{record.kind} << 8) | std::uint64_t{record.action};
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

bool RuleSet::same_entry(std::size_t index, const RuleSet& other, std::size_t other_index) const noexcept {
  const Record& a = records_[index];
  const Record& b = other.records_[other_index];
  return a.kind == b.kind && a.action == b.action && a.port == b.port && a.host_bytes == b.host_bytes &&
         a.path_bytes == b.path_bytes && a.query_bytes == b.query_bytes && text_of(a) == other.text_of(b);
}

void RuleSet::serialize(std::string& out) const {
  const std::uint64_t counts[2] = {records_.size(), text_.size()};
  const std::size_t start = out.size();
  const std::size_t record_bytes = records_.size() * sizeof(Record);
  out.resize(start + kCountBytes + record_bytes);
  std::memcpy(out.data() + start, counts, kCountBytes);
  if (record_bytes != 0) std::memcpy(out.data() + start + kCountBytes, records_.data(), record_bytes);
  out.append(text_);
}

bool RuleSet::is_sound(const Record& record) const noexcept {
  const std::size_t bytes = std::size_t{record.host_bytes} + record.path_bytes + record.query_bytes;
  return record.offset <= text_.size() && bytes <= text_.size() - record.offset && record.id != 0 &&
         record.kind <= static_cast<std::uint8_t>(rules::RuleKind::url_query) &&
         record.action <= static_cast<std::uint8_t>(rules::Action::allow);
}

base::Result<RuleSet> RuleSet::deserialize(std::string_view& bytes) {
  const base::Error damaged{"damaged", "the packed entries are inconsistent"};
  std::uint64_t counts[2] = {};
  if (bytes.size() < kCountBytes) return damaged;
  std::memcpy(counts, bytes.data(), kCountBytes);
  bytes.remove_prefix(kCountBytes);
  if (counts[0] > bytes.size() / sizeof(Record)) return damaged;
  const std::size_t record_bytes = counts[0] * sizeof(Record);
  if (counts[1] > bytes.size() - record_bytes) return damaged;
  RuleSet set;
  set.records_.resize(counts[0]);
  if (record_bytes != 0) std::memcpy(set.records_.data(), bytes.data(), record_bytes);
  set.text_.assign(bytes.substr(record_bytes, counts[1]));
  bytes.remove_prefix(record_bytes + counts[1]);
  for (const Record& record : set.records_) {
    if (!set.is_sound(record)) return damaged;
    set.count(record, 1);
  }
  return set;
}

RuleIndex::RuleIndex(const RuleSet& rules, std::size_t expected)
    : rules_(rules), slots_(std::bit_ceil(2 * expected + 16)) {}

std::size_t RuleIndex::slot_of(const RuleSet& other, std::size_t other_index) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = other.hash(other_index) & mask;
  while (slots_[slot] != 0 && !rules_.same_entry(slots_[slot] - 1, other, other_index)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

bool RuleIndex::insert(std::size_t index) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  const std::size_t slot = slot_of(rules_, index);
  if (slots_[slot] != 0) return false;
  slots_[slot] = static_cast<std::uint32_t>(index + 1);
  ++used_;
  return true;
}

std::optional<std::size_t> RuleIndex::find(const RuleSet& other, std::size_t other_index) const {
  const std::uint32_t found = slots_[slot_of(other, other_index)];
  if (found == 0) return std::nullopt;
  return found - 1;
}

void RuleIndex::grow() {
  std::vector<std::uint32_t> old(slots_.size() * 2);
  old.swap(slots_);
  for (const std::uint32_t entry : old) {
    if (entry != 0) slots_[slot_of(rules_, entry - 1)] = entry;
  }
}

RuleIndex index_all(const RuleSet& rules) {
  RuleIndex index(rules, rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) index.insert(i);
  return index;
}

}  // namespace weir::control
