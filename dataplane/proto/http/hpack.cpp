#include "dataplane/proto/http/hpack.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/proto/http/hpack_huffman.h"

namespace weir::proto {
namespace {

struct StaticField {
  std::string_view name;
  std::string_view value;
};

/// RFC 7541, appendix A; index 1 is the first.
constexpr std::array<StaticField, 61> kStaticTable{{
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
}};

// RFC 7541, 5.1. The upper bits of the first byte are not part of the integer.
std::optional<std::size_t> take_integer(std::span<const std::byte>& rest, unsigned prefix_bits) noexcept {
  // Senders may write leading zeros; no common receiver accepts more bytes.
  constexpr unsigned kMaxMoreBytes = 10;
  constexpr std::size_t kMaxValue = std::size_t{1} << 30;
  if (rest.empty()) return std::nullopt;
  const std::size_t prefix_max = (std::size_t{1} << prefix_bits) - 1;
  std::size_t value = std::to_integer<std::size_t>(rest.front()) & prefix_max;
  rest = rest.subspan(1);
  if (value < prefix_max) return value;
  for (unsigned i = 0; i < kMaxMoreBytes && !rest.empty(); ++i) {
    const auto byte = std::to_integer<std::size_t>(rest.front());
    rest = rest.subspan(1);
    const std::size_t digits = byte & 0x7fU;
    if (digits != 0 && (i > 4 || digits << (7 * i) > kMaxValue)) return std::nullopt;
    if (digits != 0) value += digits << (7 * i);
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

}  // namespace

void HpackDynamicTable::reset() noexcept {
  limit_ = kHpackInitialTableBytes;
  bytes_ = 0;
  count_ = 0;
  newest_ = 0;
  text_next_ = 0;
}

void HpackDynamicTable::set_limit(std::size_t bytes) noexcept {
  limit_ = std::min(bytes, kHpackMaxTableBytes);
  forget_oldest_until(limit_);
}

void HpackDynamicTable::forget_oldest_until(std::size_t bytes) noexcept {
  while (bytes_ > bytes) {
    const Entry& oldest = entries_[(newest_ + kMaxEntries - (count_ - 1)) % kMaxEntries];
    bytes_ -= oldest.name_bytes + oldest.value_bytes + kEntryOverhead;
    --count_;
  }
}

void HpackDynamicTable::insert(const HpackField& field) noexcept {
  const std::size_t entry_bytes = field.name_bytes + field.value.size() + kEntryOverhead;
  if (entry_bytes > limit_) return forget_oldest_until(0);
  // The name may belong to an entry that is about to be dropped (RFC 7541, 4.4).
  std::array<char, kHpackMaxNameBytes> name;
  const std::size_t name_bytes = field.name.copy(name.data(), name.size());
  forget_oldest_until(limit_ - entry_bytes);

  const std::size_t text_bytes = name_bytes + field.value.size();
  if (text_next_ + text_bytes > text_.size()) text_next_ = 0;
  char* text = std::copy_n(name.data(), name_bytes, text_.data() + text_next_);
  std::copy(field.value.begin(), field.value.end(), text);
  newest_ = (newest_ + 1) % kMaxEntries;
  entries_[newest_] = {.offset = static_cast<std::uint32_t>(text_next_),
                       .name_bytes = static_cast<std::uint32_t>(field.name_bytes),
                       .value_bytes = static_cast<std::uint32_t>(field.value.size())};
  text_next_ += text_bytes;
  bytes_ += entry_bytes;
  ++count_;
}

std::optional<HpackField> HpackDynamicTable::at(std::size_t age) const noexcept {
  if (age >= count_) return std::nullopt;
  const Entry& entry = entries_[(newest_ + kMaxEntries - age) % kMaxEntries];
  const std::size_t name_bytes = kept_name_bytes(entry.name_bytes);
  const char* text = text_.data() + entry.offset;
  return HpackField{.name = {text, name_bytes},
                    .value = {text + name_bytes, entry.value_bytes},
                    .name_bytes = entry.name_bytes};
}

std::optional<std::size_t> HpackBlock::take_integer(unsigned prefix_bits) noexcept {
  return proto::take_integer(rest_, prefix_bits);
}

// RFC 7541, 5.2.
std::optional<std::string_view> HpackBlock::take_string() noexcept {
  if (rest_.empty()) return std::nullopt;
  const bool huffman = (rest_.front() & std::byte{0x80}) != std::byte{0};
  const auto length = take_integer(7);
  if (!length || *length > rest_.size()) return std::nullopt;
  const auto bytes = rest_.first(*length);
  rest_ = rest_.subspan(*length);
  if (!huffman) return base::characters_of(bytes);
  const auto decoded = decode_huffman(bytes, text_);
  if (!decoded) return std::nullopt;
  const std::string_view string(text_.data(), *decoded);
  text_ = text_.subspan(*decoded);
  return string;
}

std::optional<HpackField> HpackBlock::indexed(std::size_t index) const noexcept {
  if (index == 0) return std::nullopt;
  if (index > kStaticTable.size()) return table_.at(index - kStaticTable.size() - 1);
  const StaticField& field = kStaticTable[index - 1];
  return HpackField{.name = field.name, .value = field.value, .name_bytes = field.name.size()};
}

bool HpackBlock::take_literal(unsigned index_bits, HpackField& field) noexcept {
  const auto index = take_integer(index_bits);
  if (!index) return false;
  if (*index == 0) {
    const auto name = take_string();
    if (!name) return false;
    field.name = name->substr(0, kHpackMaxNameBytes);
    field.name_bytes = name->size();
  } else {
    const auto named = indexed(*index);
    if (!named) return false;
    field = *named;
  }
  const auto value = take_string();
  if (!value) return false;
  field.value = *value;
  return true;
}

HpackStatus HpackBlock::next(HpackField& field) noexcept {
  field = {};
  while (!rest_.empty()) {
    const auto first = std::to_integer<unsigned>(rest_.front());
    if ((first & 0x80U) != 0) {  // RFC 7541, 6.1
      const auto index = take_integer(7);
      const auto found = index ? indexed(*index) : std::nullopt;
      if (!found) return HpackStatus::malformed;
      field = *found;
      return HpackStatus::field;
    }
    if ((first & 0x40U) != 0) {  // 6.2.1: with incremental indexing
      if (!take_literal(6, field)) return HpackStatus::malformed;
      table_.insert(field);
      // A name from the table may have been dropped; the new entry has it too, if it fitted.
      if (table_.holds(field.name)) {
        const auto made = table_.at(0);
        if (made) field.name = made->name;
      }
      return HpackStatus::field;
    }
    if ((first & 0x20U) != 0) {  // 6.3: table size update, in any place
      const auto limit = take_integer(5);
      if (!limit) return HpackStatus::malformed;
      table_.set_limit(*limit);
      continue;
    }
    if (!take_literal(4, field)) return HpackStatus::malformed;  // 6.2.2, 6.2.3
    field.never_indexed = (first & 0x10U) != 0;
    return HpackStatus::field;
  }
  return HpackStatus::end;
}

std::optional<std::size_t> hpack_literal_bytes(std::span<const std::byte> block) noexcept {
  if (block.empty()) return std::nullopt;
  const auto first = std::to_integer<unsigned>(block.front());
  const bool indexed = (first & 0x80U) != 0;
  const bool incremental = (first & 0x40U) != 0;
  if (indexed || (!incremental && (first & 0x20U) != 0)) return std::nullopt;
  auto rest = block;
  const auto index = take_integer(rest, incremental ? 6 : 4);
  if (!index) return std::nullopt;
  if (*index == 0) {
    const auto name_bytes = take_integer(rest, 7);
    if (!name_bytes || *name_bytes > rest.size()) return std::nullopt;
    rest = rest.subspan(*name_bytes);
  }
  const auto value_bytes = take_integer(rest, 7);
  if (!value_bytes) return std::nullopt;
  return block.size() - rest.size() + *value_bytes;
}

}  // namespace weir::proto
