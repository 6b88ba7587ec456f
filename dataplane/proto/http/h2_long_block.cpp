// The part of H2ClientStream that reads header blocks of more than kMaxHeaderBlockBytes, piece by piece: Go's
// server takes a megabyte by default.
#include <algorithm>
#include <limits>

#include "dataplane/proto/http/h2_client_stream.h"
#include "dataplane/proto/http/h2_collector.h"

namespace weir::proto {
namespace {

/// Writes fields as literals that are never indexed (RFC 7541, 6.2.3), in at most the given room.
class LiteralWriter {
 public:
  explicit LiteralWriter(std::span<std::byte> room) noexcept : room_(room) {}

  /// At most `most_bytes` of the value.
  void add(std::string_view name, std::string_view value, std::size_t most_bytes) noexcept {
    const std::string_view part = value.substr(0, most_bytes);
    constexpr std::size_t kLengthsBytes = 16;
    if (name.size() + part.size() + kLengthsBytes > room_.size() - bytes_) return;
    put(0x10);
    text(name);
    text(part);
  }
  [[nodiscard]] std::span<const std::byte> written() const noexcept { return room_.first(bytes_); }

 private:
  void put(std::size_t byte) noexcept { room_[bytes_++] = static_cast<std::byte>(byte); }
  void text(std::string_view text) noexcept {
    constexpr std::size_t kPrefixMax = 0x7f;
    if (text.size() < kPrefixMax) {
      put(text.size());
    } else {
      put(kPrefixMax);
      std::size_t more = text.size() - kPrefixMax;
      for (; more >= 0x80; more >>= 7) put((more & 0x7fU) | 0x80U);
      put(more);
    }
    for (const char c : text) put(static_cast<unsigned char>(c));
  }

  std::span<std::byte> room_;
  std::size_t bytes_ = 0;
};

}  // namespace

void H2ClientStream::make_room(H2Text& text) noexcept {
  constexpr std::size_t kMethodBytes = 32;
  constexpr std::size_t kHostBytes = 1024;
  HpackBlock block(table_, std::span(block_).first(block_bytes_), *text.decoded_);
  Collector collector(table_, *text.kept_, allowance_);
  H2Request request;
  HpackField field;
  std::size_t left = block.left();
  while (block.next(field) == HpackStatus::field) {
    collector.take(field, request);
    left = block.left();
  }

  LiteralWriter kept(*text.literals_);
  // An empty method shows that it is a request.
  if (collector.is_request()) kept.add(":method", request.method, kMethodBytes);
  if (!request.scheme.empty()) kept.add(":scheme", request.scheme, kMethodBytes);
  if (!request.path.empty()) kept.add(":path", request.path, kKeptPathBytes);
  for (const std::string_view host : std::span(request.hosts).first(request.host_count)) {
    kept.add("host", host, kHostBytes);
  }
  block_cut_ = block_cut_ || collector.is_cut() || request.path.size() > kKeptPathBytes;

  const auto literals = kept.written();
  const auto rest = std::span(block_).subspan(block_bytes_ - left, left);
  block_bytes_ = literals.size();
  if (literals.size() + left < block_.size()) {
    std::copy(rest.begin(), rest.end(), block_.begin());
    std::copy_backward(block_.begin(), block_.begin() + static_cast<std::ptrdiff_t>(left),
                       block_.begin() + static_cast<std::ptrdiff_t>(literals.size() + left));
    block_bytes_ += left;
  } else {
    // One field fills the block. If it goes into the table, it leaves room for no other.
    const auto field_bytes = hpack_literal_bytes(rest);
    const bool incremental = (rest.front() & std::byte{0x40}) != std::byte{0};
    if (field_bytes && incremental) table_.insert({.name = {}, .value = {}, .name_bytes = *field_bytes});
    discard_left_ = field_bytes ? *field_bytes - left : std::numeric_limits<std::size_t>::max();
  }
  std::copy(literals.begin(), literals.end(), block_.begin());
}

}  // namespace weir::proto
