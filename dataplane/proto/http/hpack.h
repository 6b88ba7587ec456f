#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::proto {

/// Longest header block in bytes, as coded.
inline constexpr std::size_t kMaxHeaderBlockBytes = 65536;
/// The dynamic table's size before any update (RFC 9113, 6.5.2).
inline constexpr std::size_t kHpackInitialTableBytes = 4096;
/// Largest size that an update may ask for. The server's SETTINGS allow it, which the client's direction does
/// not show; no common server allows more.
inline constexpr std::size_t kHpackMaxTableBytes = 65536;
/// Longer names are cut to this: no field that anybody looks for has such a name. It bounds what a literal
/// that takes its name from the table costs.
inline constexpr std::size_t kHpackMaxNameBytes = 64;

/// A header field as sent.
struct HpackField {
  std::string_view name;       // at most kHpackMaxNameBytes of it
  std::string_view value;      // of any bytes
  std::size_t name_bytes = 0;  // of the whole name
  bool never_indexed = false;  // RFC 7541, 6.2.3
};

/// The decoder's dynamic table (RFC 7541, 2.3.2 and 4). About 150 KiB, of which only what is in use is ever
/// touched; no allocation.
class HpackDynamicTable {
 public:
  // Nothing is initialised but by reset(), so that an unused table costs no memory.
  HpackDynamicTable() noexcept { reset(); }

  void reset() noexcept;
  /// False, and nothing changes, beyond kHpackMaxTableBytes.
  bool set_limit(std::size_t bytes) noexcept;
  /// Adds the newest entry, forgetting the oldest ones for it. A field larger than the limit empties the
  /// table. The name may point into the table, the value must not.
  void insert(const HpackField& field) noexcept;
  /// The entry, 0 being the newest; none behind the oldest. Its views are valid until the next insert() or
  /// set_limit().
  [[nodiscard]] std::optional<HpackField> at(std::size_t age) const noexcept;
  [[nodiscard]] std::size_t entries() const noexcept { return count_; }
  /// As RFC 7541, 4.1 counts it: name, value and 32 bytes for each entry.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool holds(std::string_view view) const noexcept {
    return view.data() >= text_.data() && view.data() < text_.data() + text_.size();
  }

 private:
  static constexpr std::size_t kEntryOverhead = 32;
  static constexpr std::size_t kMaxEntries = kHpackMaxTableBytes / kEntryOverhead;
  struct Entry {
    std::uint32_t offset;  // of the kept part of the name in text_; the value follows
    std::uint32_t name_bytes;
    std::uint32_t value_bytes;
  };
  [[nodiscard]] static std::size_t kept_name_bytes(std::size_t name_bytes) noexcept {
    return name_bytes < kHpackMaxNameBytes ? name_bytes : kHpackMaxNameBytes;
  }
  void forget_oldest_until(std::size_t bytes) noexcept;

  std::size_t limit_;
  std::size_t bytes_;
  std::size_t count_;
  std::size_t newest_;     // its place in entries_
  std::size_t text_next_;  // where the next entry's text goes
  std::array<Entry, kMaxEntries> entries_;
  // Twice what can be in use: an entry that does not fit at the end goes to the front, and still no two
  // entries overlap, so that each one's text is in one piece.
  std::array<char, 2 * kHpackMaxTableBytes> text_;
};

enum class HpackStatus : std::uint8_t { field, end, malformed };

/// Reads the fields of one whole header block, in order, and brings the table up to date as it goes. Any
/// bytes; O(block) however the fields refer to the table.
class HpackBlock {
 public:
  /// `text` takes decoded strings: it needs max_huffman_decoded_bytes(block.size()).
  HpackBlock(HpackDynamicTable& table, std::span<const std::byte> block, std::span<char> text) noexcept
      : table_(table), rest_(block), text_(text) {}

  /// malformed where RFC 7541 demands an error, for a table size beyond kHpackMaxTableBytes and for integers
  /// that fit no block; the table's content means nothing from then on. A field's views point into the block,
  /// `text` or static storage and live as long, but those that table.holds(), which the next call ends.
  HpackStatus next(HpackField& field) noexcept;

 private:
  std::optional<std::size_t> take_integer(unsigned prefix_bits) noexcept;
  std::optional<std::string_view> take_string() noexcept;
  [[nodiscard]] std::optional<HpackField> indexed(std::size_t index) const noexcept;
  bool take_literal(unsigned index_bits, HpackField& field) noexcept;

  HpackDynamicTable& table_;
  std::span<const std::byte> rest_;
  std::span<char> text_;
};

}  // namespace weir::proto
