#pragma once

#include <string_view>

#include "feeds/entry_sink.h"
#include "match/line_splitter.h"

namespace weir::feeds {

/// Reads the profile `hosts`, block by block: lines of an address and the names that it stands for, as in
/// /etc/hosts. A name that leads nowhere (to 0.0.0.0, ::, or the machine itself) is blocked, exactly that
/// host; the machine's own names (localhost, ip6-loopback, ...) are passed over; a name that leads somewhere
/// is refused.
class HostsReader {
 public:
  HostsReader(match::EntryParser& parser, const EntrySink& sink);

  void feed(std::string_view block) { lines_.feed(block); }
  void finish() { lines_.finish(); }

 private:
  void take_line(const match::LineSplitter::Line& line);

  EntryTaker taker_;
  match::LineSplitter lines_;
};

}  // namespace weir::feeds
