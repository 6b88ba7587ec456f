#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/formats/entry_sink.h"
#include "control/formats/list_facts.h"
#include "dataplane/base/result.h"
#include "dataplane/rules/line_splitter.h"

namespace weir::formats {

/// Reads the format `rpz`, block by block: a DNS response policy zone (draft-vixie-dnsop-dns-rpz) as a master
/// file (RFC 1035, section 5). An owner `name` is that host, `*.name` the hosts below it. Every policy that
/// withholds the answer from the client (NXDOMAIN, NODATA, DROP, local data) blocks. Refused are PASSTHRU and
/// TCP-only, triggers by address or name server, and directives other than $ORIGIN and $TTL.
class RpzReader {
 public:
  RpzReader(rules::EntryParser& parser, const EntrySink& sink);

  /// Error code: parse_zone (no SOA at the start, or a record that does not end).
  base::Status feed(std::string_view block);
  /// To be called once, after the last block. Error codes: parse_zone, parse_truncated.
  base::Status finish();
  /// The serial number of the SOA.
  [[nodiscard]] std::optional<std::uint64_t> serial() const noexcept { return serial_; }

 private:
  void take_line(const rules::LineSplitter::Line& line);
  bool split(std::string_view text);
  void take_record();
  void take_directive();
  void take_soa(std::size_t data);
  void take_trigger(std::string_view trigger, const std::string& type, const std::string& data);
  [[nodiscard]] std::optional<std::string> absolute(std::string_view name) const;
  void fail(const char* code, std::string message);

  EntryTaker taker_;
  rules::LineSplitter lines_;
  std::optional<base::Error> failure_;
  std::vector<std::string> words_;  // of the record, the owner first
  bool has_owner_ = false;
  std::size_t depth_ = 0;              // of parentheses
  std::size_t line_ = 0;               // where the record begins
  std::optional<std::string> owner_;   // of the record; none: not usable
  std::optional<std::string> origin_;  // empty: the root
  std::optional<std::string> zone_;    // none: no SOA yet
  std::optional<std::uint64_t> serial_;
};

/// Reads a whole list.
ReadFormat read_rpz;

}  // namespace weir::formats
