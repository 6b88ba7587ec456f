#include "dataplane/proto/http/http_line.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>

namespace weir::proto {
namespace {

// The place of the first CR or LF from `at`; the size of the text if there is none. One search for both costs
// no more than one for LF.
std::size_t find_line_end(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  const __m128i carriage_returns = _mm_set1_epi8('\r');
  const __m128i line_feeds = _mm_set1_epi8('\n');
  for (; at + sizeof(__m128i) <= text.size(); at += sizeof(__m128i)) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i ends =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, carriage_returns), _mm_cmpeq_epi8(bytes, line_feeds));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(ends));
    if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
  }
#endif
  while (at < text.size() && text[at] != '\r' && text[at] != '\n') ++at;
  return at;
}

}  // namespace

bool take_line(std::string_view& rest, HttpLine& line) noexcept {
  line = {};
  std::size_t end = find_line_end(rest, 0);
  while (end < rest.size() && rest[end] == '\r' && !rest.substr(end + 1).starts_with('\n')) {
    line.bare_cr = true;
    end = find_line_end(rest, end + 1);
  }
  if (end + 1 > rest.size() || (rest[end] == '\r' && end + 2 > rest.size())) return false;
  const std::size_t bytes = end + (rest[end] == '\r' ? 2 : 1);
  line.odd = line.bare_cr || rest[end] == '\n';
  line.text = rest.substr(0, bytes);
  rest.remove_prefix(bytes);
  return true;
}

}  // namespace weir::proto
