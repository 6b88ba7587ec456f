#pragma once

#include <string_view>

#include "control/formats/entry_sink.h"
#include "dataplane/rules/line_splitter.h"

namespace weir::formats {

/// Reads the format `hosts`, block by block: lines of an address and the names that it stands for, as in
/// /etc/hosts. A name that leads nowhere (to 0.0.0.0, ::, or the machine itself) is blocked, exactly that
/// host; the machine's own names (localhost, ip6-loopback, ...) are passed over; a name that leads somewhere
/// is refused.
class HostsReader {
 public:
  HostsReader(rules::EntryParser& parser, const EntrySink& sink);

  void feed(std::string_view block) { lines_.feed(block); }
  void finish() { lines_.finish(); }

 private:
  void take_line(const rules::LineSplitter::Line& line);

  EntryTaker taker_;
  rules::LineSplitter lines_;
};

}  // namespace weir::formats
