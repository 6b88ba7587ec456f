#include "dataplane/proto/http/hpack.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/proto/http/hpack_huffman.h"
#include "tests/support/require.h"

// The input is a sequence of header blocks of one connection: two bytes of length, the block.
namespace {

using namespace weir::proto;
using weir::fuzz::lies_inside;
using weir::fuzz::require;

void check_table(const HpackDynamicTable& table) {
  require(table.bytes() <= kHpackMaxTableBytes, "the table keeps to its limit");
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < table.entries(); ++i) {
    const auto field = table.at(i);
    require(field.has_value(), "every entry is there");
    require(field->value.empty() || table.holds(field->value), "and lies in the table");
    bytes += field->name_bytes + field->value.size() + 32;
  }
  require(bytes == table.bytes(), "the table's size is its entries'");
  require(!table.at(table.entries()), "there are no others");
}

void decode(HpackDynamicTable& table, std::span<const std::byte> block) {
  std::vector<char> text(max_huffman_decoded_bytes(block.size()));
  HpackBlock fields(table, block, text);
  HpackField field;
  std::size_t count = 0;
  for (;;) {
    const HpackStatus status = fields.next(field);
    if (status != HpackStatus::field) return;
    require(++count <= block.size(), "a field takes a byte at least");
    require(field.name.size() == std::min(field.name_bytes, kHpackMaxNameBytes), "long names are cut");
    const bool literal = lies_inside(field.value, block) ||
                         lies_inside(field.value, std::as_bytes(std::span<const char>(text)));
    require(literal || table.holds(field.value) || field.value.size() <= 13, "a value lies where it may");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLengthBytes = 2;
  auto input = weir::fuzz::as_input(data, size);
  const auto table = std::make_unique<HpackDynamicTable>();
  while (input.size() >= kLengthBytes) {
    const std::size_t wanted =
        std::to_integer<std::size_t>(input[0]) << 8 | std::to_integer<std::size_t>(input[1]);
    input = input.subspan(kLengthBytes);
    const auto block = input.first(std::min(wanted, input.size()));
    input = input.subspan(block.size());
    const auto literal = hpack_literal_bytes(block);
    require(!literal || *literal > 1, "a literal has two lengths");
    decode(*table, block);
    check_table(*table);  // also after an error
  }
  return 0;
}
