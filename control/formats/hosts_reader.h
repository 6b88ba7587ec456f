#pragma once

#include <string_view>

#include "control/formats/entry_sink.h"
#include "control/formats/list_facts.h"
#include "dataplane/rules/line_splitter.h"

namespace weir::formats {

/// Reads the format `hosts`, block by block: lines of an address and names, as in /etc/hosts. A name with an
/// unspecified or loopback address (0.0.0.0, 127.0.0.1, ::, ::1) is blocked, exactly that host. The machine's
/// own names (localhost, ip6-loopback, ...) are skipped. A name with any other address is refused.
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

/// Reads a whole list.
ReadFormat read_hosts;

}  // namespace weir::formats
