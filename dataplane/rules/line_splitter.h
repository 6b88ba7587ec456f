#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::rules {

/// What is kept of a line in bytes; of the rest only its end is looked for. An entry has at most
/// kMaxEntryBytes, what lies between is room for a comment.
inline constexpr std::size_t kMaxLineBytes = 65536;

/// Cuts blocks into lines, wherever the blocks are cut; of a line kMaxLineBytes are kept. A byte order
/// mark and the CR of a CRLF are taken off.
class LineSplitter {
 public:
  struct Line {
    std::string_view text;
    std::size_t number = 0;  // from 1
    bool is_cut = false;     // there was more of it
  };
  using OnLine = std::function<void(const Line&)>;

  explicit LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

  void feed(std::string_view block);
  /// After the last block: gives a last line without line end. Once.
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
