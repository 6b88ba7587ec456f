#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::proto {

/// Longest piece of a coded header block that is decoded at once, in bytes.
inline constexpr std::size_t kMaxHeaderBlockBytes = 65536;
/// Size of the dynamic table before any update (RFC 9113, 6.5.2).
inline constexpr std::size_t kHpackInitialTableBytes = 4096;
/// Largest size of the table. The server's limit is in its SETTINGS, which the direction of the client does
/// not show; no common server allows more. An update beyond it sets this size: the entries of a smaller table
/// are the newest of a larger one, so that what a server can look up is found.
inline constexpr std::size_t kHpackMaxTableBytes = 65536;
/// Longer names are cut to this length: no field of interest has one. It bounds the cost of a literal that
/// takes its name from the table.
inline constexpr std::size_t kHpackMaxNameBytes = 64;

/// A header field as sent.
struct HpackField {
  std::string_view name;       // at most kHpackMaxNameBytes of it
  std::string_view value;      // any bytes
  std::size_t name_bytes = 0;  // of the whole name
  bool never_indexed = false;  // RFC 7541, 6.2.3
};

/// The dynamic table of the decoder (RFC 7541, 2.3.2 and 4). About 150 KiB, of which only the used part is
/// ever touched; no allocation.
class HpackDynamicTable {
 public:
  // Only reset() initialises members, so that an unused table costs no memory.
  HpackDynamicTable() noexcept { reset(); }

  void reset() noexcept;
  /// At most kHpackMaxTableBytes.
  void set_limit(std::size_t bytes) noexcept;
  /// Adds an entry and drops the oldest ones to make room. A field larger than the limit empties the table.
  /// The name may point into the table, the value must not.
  void insert(const HpackField& field) noexcept;
  /// The entry of that age, 0 for the newest; none beyond the oldest. Its views are valid until the next
  /// insert() or set_limit().
  [[nodiscard]] std::optional<HpackField> at(std::size_t age) const noexcept;
  [[nodiscard]] std::size_t entries() const noexcept { return count_; }
  /// As RFC 7541, 4.1 counts: name, value and 32 bytes per entry.
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
  // Twice the most that can be in use: an entry that does not fit at the end goes to the front, so the text
  // of each entry is in one piece, and no two entries overlap.
  std::array<char, 2 * kHpackMaxTableBytes> text_;
};

enum class HpackStatus : std::uint8_t { field, end, malformed };

/// Reads the fields of one complete header block in order, and updates the table. Any bytes are allowed;
/// O(block), however the fields refer to the table.
class HpackBlock {
 public:
  /// `text` is the room for decoded strings: max_huffman_decoded_bytes(block.size()).
  HpackBlock(HpackDynamicTable& table, std::span<const std::byte> block, std::span<char> text) noexcept
      : table_(table), rest_(block), text_(text) {}

  /// malformed: an error by RFC 7541, or an integer too large for any block. What was read before stands, and
  /// the table has it; the rest of the block cannot be read. The views of a field point into the
  /// block, `text` or static storage and live as long; those that table.holds() live until the next call.
  HpackStatus next(HpackField& field) noexcept;
  /// Bytes of the block that have not been read.
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

 private:
  std::optional<std::size_t> take_integer(unsigned prefix_bits) noexcept;
  std::optional<std::string_view> take_string() noexcept;
  [[nodiscard]] std::optional<HpackField> indexed(std::size_t index) const noexcept;
  bool take_literal(unsigned index_bits, HpackField& field) noexcept;

  HpackDynamicTable& table_;
  std::span<const std::byte> rest_;
  std::span<char> text_;
};

/// The bytes of the literal field at the front of `block`, which may hold only its beginning. None when it is
/// no literal, or its lengths are not there.
std::optional<std::size_t> hpack_literal_bytes(std::span<const std::byte> block) noexcept;

}  // namespace weir::proto
