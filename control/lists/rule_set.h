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

/// The entries of one list, packed into 32 bytes plus text each, so that millions fit in memory.
class RuleSet {
 public:
  void append(const rules::Rule& rule);
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  /// Fills `rule`, all but its list. Reuse the same object so that its strings keep their storage.
  void read(std::size_t index, rules::Rule& rule) const;
  /// The host alone.
  [[nodiscard]] std::string_view host(std::size_t index) const noexcept {
    return text_of(records_[index]).substr(0, records_[index].host_bytes);
  }
  [[nodiscard]] base::RuleId id(std::size_t index) const noexcept { return {records_[index].id}; }
  void set_id(std::size_t index, base::RuleId id) noexcept { records_[index].id = id.value; }
  /// Index of the entry with `id`. Linear time.
  [[nodiscard]] std::optional<std::size_t> find(base::RuleId id) const noexcept;
  /// Removes the last entry.
  void pop_back();

  [[nodiscard]] std::size_t whole_host_rules() const noexcept { return whole_host_rules_; }
  [[nodiscard]] std::size_t allow_rules() const noexcept { return allow_rules_; }
  [[nodiscard]] std::uint32_t highest_id() const noexcept;

  /// Hash and equality of action, kind, port and canonical text. The id does not count.
  [[nodiscard]] std::uint64_t hash(std::size_t index) const noexcept;
  [[nodiscard]] bool same_entry(std::size_t index, const RuleSet& other,
                                std::size_t other_index) const noexcept;

  /// Appends the set to `out`, in native byte order.
  void serialize(std::string& out) const;
  /// Reads a set from the front of `bytes` and advances `bytes` past it. Checks every offset. Error code:
  /// damaged.
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

/// Finds equal entries in a RuleSet. The set must outlive the index and must not shrink below it.
class RuleIndex {
 public:
  explicit RuleIndex(const RuleSet& rules, std::size_t expected = 0);
  /// Adds the entry at `index`. False if an equal one is already in.
  bool insert(std::size_t index);
  /// Index of the entry equal to the one of `other` at `other_index`.
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
