#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/rules/rule.h"

namespace weir::control {

/// The entries of one list, packed: 32 bytes and the text for each, so that lists of millions fit in memory.
class RuleSet {
 public:
  void append(const rules::Rule& rule);
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  /// Fills `rule` (used again over calls, so that its strings keep their storage); its list is left alone.
  void read(std::size_t index, rules::Rule& rule) const;
  /// Without reading the rest.
  [[nodiscard]] std::string_view host(std::size_t index) const noexcept {
    return text_of(records_[index]).substr(0, records_[index].host_bytes);
  }
  [[nodiscard]] base::RuleId id(std::size_t index) const noexcept { return {records_[index].id}; }
  void set_id(std::size_t index, base::RuleId id) noexcept { records_[index].id = id.value; }
  /// Place of the entry with `id`; none where there is none. Linear.
  [[nodiscard]] std::optional<std::size_t> find(base::RuleId id) const noexcept;
  /// Takes the last entry off again.
  void pop_back();

  [[nodiscard]] std::size_t whole_host_rules() const noexcept { return whole_host_rules_; }
  [[nodiscard]] std::size_t allow_rules() const noexcept { return allow_rules_; }
  [[nodiscard]] std::uint32_t highest_id() const noexcept;

  /// Hash of and equality in action, kind and canonical text; the id does not count.
  [[nodiscard]] std::uint64_t hash(std::size_t index) const noexcept;
  [[nodiscard]] bool same_entry(std::size_t index, const RuleSet& other,
                                std::size_t other_index) const noexcept;

  /// Bytes for a file of this machine (native byte order) and back; every offset is checked.
  void serialize(std::string& out) const;
  /// Reads a set from the front of `bytes` and takes it off. Error code: damaged.
  static base::Result<RuleSet> deserialize(std::string_view& bytes);

 private:
  struct Record {
    std::uint64_t offset;
    std::uint32_t id;
    std::uint32_t path_bytes;
    std::uint32_t query_bytes;
    std::uint16_t host_bytes;
    std::uint16_t port;  // 0: every port
    std::uint8_t kind;
    std::uint8_t action;
    std::uint8_t reserved[6];
  };
  static_assert(sizeof(Record) == 32);

  [[nodiscard]] std::string_view text_of(const Record& record) const noexcept;
  [[nodiscard]] bool is_sound(const Record& record) const noexcept;
  void count(const Record& record, std::size_t amount) noexcept;

  std::vector<Record> records_;
  std::string text_;
  std::size_t whole_host_rules_ = 0;
  std::size_t allow_rules_ = 0;
};

/// Finds entries of a RuleSet by what they say. The set must outlive the index and not shrink.
class RuleIndex {
 public:
  explicit RuleIndex(const RuleSet& rules, std::size_t expected = 0);
  /// Takes in the entry at `index`; false when an equal one is in already.
  bool insert(std::size_t index);
  /// The entry that is equal to `other`'s at `other_index`.
  [[nodiscard]] std::optional<std::size_t> find(const RuleSet& other, std::size_t other_index) const;

 private:
  void grow();
  [[nodiscard]] std::size_t slot_of(const RuleSet& other, std::size_t other_index) const;

  const RuleSet& rules_;
  std::vector<std::uint32_t> slots_;  // index + 1; 0: empty
  std::size_t used_ = 0;
};

/// An index of every entry of `rules`.
RuleIndex index_all(const RuleSet& rules);

}  // namespace weir::control
