#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/support/bytes.h"

namespace weir::test {

enum class Coding : std::uint8_t { plain, huffman };

/// Writes a header block (RFC 7541), field by field.
class HpackWriter {
 public:
  HpackWriter& indexed(std::size_t index);
  // Literals, with a name or with the index of a name.
  HpackWriter& literal(std::string_view name, std::string_view value, Coding coding = Coding::plain);
  HpackWriter& literal(std::size_t name_index, std::string_view value, Coding coding = Coding::plain);
  HpackWriter& incremental(std::string_view name, std::string_view value, Coding coding = Coding::plain);
  HpackWriter& incremental(std::size_t name_index, std::string_view value, Coding coding = Coding::plain);
  HpackWriter& never_indexed(std::string_view name, std::string_view value, Coding coding = Coding::plain);
  HpackWriter& table_size(std::size_t bytes);
  HpackWriter& raw(std::string_view hex);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  void integer(std::size_t value, unsigned prefix_bits, unsigned first_byte);
  void string(std::string_view text, Coding coding);
  HpackWriter& field(unsigned first_byte, unsigned prefix_bits, std::string_view name, std::string_view value,
                     Coding coding);

  Bytes bytes_;
};

/// Huffman code (RFC 7541, appendix B), padded.
Bytes huffman(std::string_view text);

inline constexpr std::uint8_t kH2Data = 0;
inline constexpr std::uint8_t kH2Headers = 1;
inline constexpr std::uint8_t kH2Settings = 4;
inline constexpr std::uint8_t kH2PushPromise = 5;
inline constexpr std::uint8_t kH2Ping = 6;
inline constexpr std::uint8_t kH2Continuation = 9;
inline constexpr std::uint8_t kH2EndHeaders = 4;

/// A client's HTTP/2 stream (RFC 9113), frame by frame.
class H2Builder {
 public:
  struct HeadersShape {
    std::uint32_t stream = 1;
    std::optional<std::uint8_t> padding{};
    bool priority = false;
    std::size_t fragment_bytes = 0;  // per frame; the rest goes into CONTINUATIONs. 0: one frame
  };

  H2Builder& preface();
  /// Any frame; `claimed_bytes` instead of its real length.
  H2Builder& frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const Bytes& payload = {},
                   std::optional<std::uint32_t> claimed_bytes = {});
  H2Builder& headers(const Bytes& block, const HeadersShape& shape);
  H2Builder& headers(const Bytes& block) { return headers(block, HeadersShape{}); }
  /// A GET with literals, as curl writes it.
  H2Builder& get(std::string_view authority, std::string_view path = "/", std::uint32_t stream = 1,
                 Coding coding = Coding::huffman);
  H2Builder& raw(const Bytes& bytes);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// The first bytes of curl --http2-prior-knowledge: preface, SETTINGS, WINDOW_UPDATE.
H2Builder h2_connection();

}  // namespace weir::test
