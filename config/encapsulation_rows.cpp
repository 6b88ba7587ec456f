#include <algorithm>
#include <array>
#include <utility>

#include "config/schema.h"
#include "dataplane/base/encapsulations.h"

namespace weir::config {
namespace {

using base::kEncapsulations;

constexpr std::string_view kPrefix = "dataplane.inspect.encapsulations.";

template <std::size_t kIndex>
constexpr auto kKey = [] {
  constexpr std::string_view kName = kEncapsulations[kIndex].name;
  std::array<char, kPrefix.size() + kName.size()> key{};
  std::copy(kName.begin(), kName.end(), std::copy(kPrefix.begin(), kPrefix.end(), key.begin()));
  return key;
}();

template <std::size_t kIndex>
Row<Settings> row() {
  return {
      {kKey<kIndex>.data(), kKey<kIndex>.size()},
      [](Settings& s) -> Field { return &s.dataplane.inspect.encapsulations[kEncapsulations[kIndex].value]; },
      {.help = kEncapsulations[kIndex].help}};
}

template <std::size_t... kIndex>
std::array<Row<Settings>, sizeof...(kIndex)> rows(std::index_sequence<kIndex...>) {
  return {row<kIndex>()...};
}

}  // namespace

std::span<const Row<Settings>> encapsulation_rows() {
  static const auto all = rows(std::make_index_sequence<kEncapsulations.size()>());
  return all;
}

}  // namespace weir::config
