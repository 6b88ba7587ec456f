#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::rules {

/// Bytes of a line that are kept; the rest is skipped. An entry has at most kMaxEntryBytes, so there is room
/// for a comment.
inline constexpr std::size_t kMaxLineBytes = 65536;

/// Splits blocks, which may be cut anywhere, into lines of at most kMaxLineBytes. Removes a byte order mark
/// and the CR of a CRLF.
class LineSplitter {
 public:
  struct Line {
    std::string_view text;
    std::size_t number = 0;  // from 1
    bool is_cut = false;     // the line was longer
  };
  using OnLine = std::function<void(const Line&)>;

  explicit LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

  void feed(std::string_view block);
  /// Call once after the last block: passes on a last line without line end.
  void finish();

 private:
  void keep(std::string_view part);
  void give(std::string_view line, bool is_cut);

  const OnLine on_line_;
  std::size_t number_ = 0;
  std::string kept_;  // the beginning of a line that goes on in the next block
  bool kept_is_cut_ = false;
};

}  // namespace weir::rules
