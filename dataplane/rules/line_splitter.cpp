#include "dataplane/rules/line_splitter.h"

namespace weir::rules {

void LineSplitter::feed(std::string_view block) {
  while (!block.empty()) {
    const std::size_t end = block.find('\n');
    const std::string_view part = block.substr(0, end);
    if (end == std::string_view::npos) return keep(part);
    block.remove_prefix(end + 1);
    if (kept_.empty()) {
      give(part.substr(0, kMaxLineBytes), part.size() > kMaxLineBytes);
      continue;
    }
    keep(part);
    give(kept_, kept_is_cut_);
    kept_.clear();
    kept_is_cut_ = false;
  }
}

void LineSplitter::finish() {
  if (!kept_.empty()) give(kept_, kept_is_cut_);
  kept_.clear();
}

void LineSplitter::keep(std::string_view part) {
  const std::size_t room = kMaxLineBytes - kept_.size();
  kept_is_cut_ = kept_is_cut_ || part.size() > room;
  kept_.append(part.substr(0, room));
}

void LineSplitter::give(std::string_view line, bool is_cut) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  ++number_;
  if (number_ == 1 && line.starts_with(kMark)) line.remove_prefix(kMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  on_line_({.text = line, .number = number_, .is_cut = is_cut});
}

}  // namespace weir::rules
