#include "control/formats/hosts_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <arpa/inet.h>

#include "dataplane/base/byte_set.h"

namespace weir::formats {
namespace {

constexpr base::ByteSet kSeparators = base::bytes_of(" \t\r");

// Names that a hosts file maps to the machine itself.
constexpr std::array<std::string_view, 14> kOwnNames{
    "localhost",     "localhost.localdomain", "localhost4",   "localhost6",   "local",
    "broadcasthost", "ip6-localhost",         "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
    "ip6-allnodes",  "ip6-allrouters",        "ip6-allhosts", "0.0.0.0"};

enum class Address : std::uint8_t { none, nowhere, somewhere };

Address read_address(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));  // without the zone (RFC 4007, section 11)
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    const std::uint32_t value = ntohl(v4.s_addr);
    constexpr std::uint32_t kLoopback = 127;
    return value == 0 || value >> 24 == kLoopback ? Address::nowhere : Address::somewhere;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return Address::none;
  return IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LOOPBACK(&v6) ? Address::nowhere : Address::somewhere;
}

/// Removes the next word from the front of `text` and returns it. Empty if there is none.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(base::span_of(text, kSeparators));
  const std::string_view word = base::cut_at(text, kSeparators);
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

HostsReader::HostsReader(rules::EntryParser& parser, const EntrySink& sink)
    : taker_(parser, sink), lines_([this](const rules::LineSplitter::Line& line) { take_line(line); }) {}

void HostsReader::take_line(const rules::LineSplitter::Line& line) {
  const std::size_t mark = line.text.find('#');
  if (line.is_cut && mark == std::string_view::npos)
    return taker_.refuse(line.number, "the line is too long");
  std::string_view rest = line.text.substr(0, mark);
  const std::string_view first = next_word(rest);
  if (first.empty()) return;
  const Address address = read_address(first);
  if (address == Address::none) return taker_.refuse(line.number, "does not start with an address");
  std::string_view name = next_word(rest);
  if (name.empty()) return taker_.refuse(line.number, "no name after the address");
  for (; !name.empty(); name = next_word(rest)) {
    if (std::find(kOwnNames.begin(), kOwnNames.end(), name) != kOwnNames.end()) continue;
    if (address == Address::somewhere) {
      taker_.refuse(line.number, "not a blocking address; expected 0.0.0.0, 127.0.0.1, :: or ::1");
      return;
    }
    taker_.take_name(name, rules::RuleKind::host, line.number);
  }
}

base::Result<ListFacts> read_hosts(const config::ListSettings&, BlockSource& source,
                                   rules::EntryParser& parser, const EntrySink& sink) {
  HostsReader reader(parser, sink);
  const auto status = read_blocks(source, [&](std::string_view block) {
    reader.feed(block);
    return base::ok_status();
  });
  if (!status) return status.error();
  reader.finish();
  return ListFacts{};
}

}  // namespace weir::formats
