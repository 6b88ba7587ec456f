#include "dataplane/rpc/line_framer.h"

namespace weir::rpc {

void LineFramer::append(std::string_view bytes) {
  if (too_long_) return;
  if (start_ > 0) {
    buffer_.erase(0, start_);
    scanned_ -= start_;
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> LineFramer::next() {
  if (too_long_) return std::nullopt;
  const std::size_t end = buffer_.find('\n', scanned_);
  const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - start_;
  if (length > limit_bytes_) {
    too_long_ = true;
    buffer_.clear();
    buffer_.shrink_to_fit();
    start_ = scanned_ = 0;
    return std::nullopt;
  }
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + start_, length);
  start_ = scanned_ = end + 1;
  return line;
}

}  // namespace weir::rpc
