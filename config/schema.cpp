#include "config/schema.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/text_checks.h"
#include "dataplane/base/encapsulations.h"
#include "dataplane/base/ids.h"

namespace weir::config {
namespace {

using base::EnumRow;

constexpr std::array<EnumRow, 3> kModes{{
    {"inline", "two ports, a transparent wire"},
    {"mirror", "a copy of the traffic on one port, answers through another"},
    {"routed", "a hop for traffic that routing diverted here"},
}};
constexpr std::array<EnumRow, 5> kRoles{{
    {"subscriber", "towards the subscribers"},
    {"network", "towards the Internet"},
    {"mirror", "where the copy of the traffic comes in, in mode mirror"},
    {"answers", "where answers leave, in mode mirror"},
    {"one-arm", "the only port of a routed box with one arm: traffic comes and goes by it"},
}};
constexpr std::array<EnumRow, 2> kIdles{{
    {"busy", "polls without a pause: lowest delay, a whole core"},
    {"sleep", "sleeps for microseconds when there is nothing to do"},
}};
constexpr std::array<EnumRow, 2> kFailModes{{
    {"open", "they pass, and are counted"},
    {"closed", "they are dropped, and are counted"},
}};
constexpr std::array<EnumRow, 2> kTlsAnswers{{
    {"alert", "a fatal alert, then the end of the connection: browsers fail at once"},
    {"reset", "a TCP reset: browsers usually try again"},
}};
constexpr std::array<EnumRow, 2> kQuicAnswers{{
    {"close", "a CONNECTION_CLOSE: browsers turn to TCP at once"},
    {"drop", "nothing: browsers turn to TCP when they have waited for a while"},
}};
constexpr std::array<EnumRow, 2> kListTypes{{
    {"feed", "fetched from `url`"},
    {"manual", "entries made with `weirctl add`"},
}};
constexpr std::array<EnumRow, 5> kListFormats{{
    {"plain", "a rule a line"},
    {"csv", "a column of a CSV file"},
    {"json", "an array in a JSON document"},
    {"hosts", "a hosts file: names that lead to 0.0.0.0 or the machine itself"},
    {"rpz", "a DNS response policy zone as a master file"},
}};
constexpr std::array<EnumRow, 4> kCsvSeparators{{
    {"comma", "`,`"},
    {"semicolon", "`;`"},
    {"tab", "a tabulator"},
    {"pipe", "`|`"},
}};
constexpr std::array<EnumRow, 2> kOnTls{{
    {"pass", "path rules leave encrypted connections alone"},
    {"block-host", "path rules block encrypted connections to their whole host"},
}};
constexpr std::array<EnumRow, 3> kAtRest{{
    {"encrypted", "AES-256-GCM"},
    {"plain", "as they are, readable by the daemon's user"},
    {"none",
     "of feeds only fingerprints are kept, and answers are by rule id alone; entries made by hand are "
     "encrypted"},
}};
constexpr std::array<EnumRow, 4> kAuthTypes{{
    {"none", "no authentication"},
    {"basic", "`user` and `password_file`"},
    {"bearer", "`token_file`"},
    {"client_cert", "`certificate` and `key`"},
}};
constexpr std::array<EnumRow, 3> kVerifyTypes{{
    {"none", "trust in the transport alone"},
    {"sha256", "a SHA-256 digest beside the list"},
    {"minisign", "a minisign signature by `public_key`"},
}};

constexpr std::array<unsigned, 3> kBlockStatuses{451, 403, 302};
constexpr std::uint32_t kAll = ~std::uint32_t{0};

// An enum's bytes may be written as what they are: unsigned char aliases everything.
template <class Enum, std::size_t N>
Choice choice(Enum& value, const std::array<EnumRow, N>& rows, std::uint32_t supported = kAll) {
  static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::uint8_t>);
  return {.rows = rows, .value = reinterpret_cast<std::uint8_t*>(&value), .supported = supported};
}

constexpr std::uint64_t kMinute = 60;
constexpr std::uint64_t kDay = std::uint64_t{24} * 60 * kMinute;

const std::array kRowsBeforeEncapsulations = std::to_array<Row<Settings>>({
    {"dataplane.eal",
     [](Settings& s) -> Field { return &s.dataplane.eal; },
     {.help =
          "Arguments for DPDK's rte_eal_init, one an item. A laboratory without huge pages and network cards "
          "for DPDK needs `[\"--no-pci\", \"--no-huge\", \"-m\", \"512\"]`.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"dataplane.mode",
     [](Settings& s) -> Field { return choice(s.dataplane.topology, kModes); },
     {.help = "How the box sits in the traffic."}},
    {"dataplane.enforcement",
     [](Settings& s) -> Field { return choice(s.dataplane.enforcement, base::kEnforcements); },
     {.help = "What is done about listed requests after a start; `weirctl mode` changes it at run time."}},
    {"dataplane.ports",
     [](Settings& s) -> Field { return &s.dataplane.ports; },
     {.help =
          "The two ends of the wire: one port with the role subscriber, one with the role network; in mode "
          "mirror one with the role mirror, one with the role answers; in mode routed the two of a wire, or "
          "one with the role one-arm. The dataplane needs them; other programs do not."}},
    {"dataplane.workers",
     [](Settings& s) -> Field { return &s.dataplane.workers; },
     {.help =
          "CPU cores (DPDK lcores) that forward packets, a worker each. With several, each port has as many "
          "queues where the device can; what comes from one address for another is inspected by one worker, "
          "whichever queue it came by.",
      .min = 0,
      .max = 127}},
    {"dataplane.idle",
     [](Settings& s) -> Field { return choice(s.dataplane.idle, kIdles); },
     {.help = "What a worker does when no packet comes."}},
    {"dataplane.socket",
     [](Settings& s) -> Field { return &s.dataplane.socket; },
     {.help = "Unix socket on which the dataplane takes snapshots.",
      .check = check_socket_path,
      .pattern = kPathPattern}},
    {"dataplane.snapshot_dir",
     [](Settings& s) -> Field { return &s.dataplane.snapshot_dir; },
     {.help = "Directory of the compiled lists. The control daemon writes them; a dataplane that starts "
              "loads the last good one from here.",
      .check = check_directory,
      .pattern = kPathPattern}},
    {"dataplane.inspect.http",
     [](Settings& s) -> Field { return &s.dataplane.inspect.http; },
     {.help = "Destination ports at which HTTP requests are looked for."}},
    {"dataplane.inspect.tls",
     [](Settings& s) -> Field { return &s.dataplane.inspect.tls; },
     {.help = "Destination ports at which TLS ClientHellos are looked for."}},
    {"dataplane.inspect.quic",
     [](Settings& s) -> Field { return &s.dataplane.inspect.quic; },
     {.help = "Destination ports at which QUIC is looked for."}},
});

// The rows of the encapsulations come from base::kEncapsulations.
constexpr std::string_view kEncapsulationsKey = "dataplane.inspect.encapsulations.";

template <std::size_t kIndex>
constexpr auto kEncapsulationKey = [] {
  constexpr std::string_view kName = base::kEncapsulations[kIndex].name;
  std::array<char, kEncapsulationsKey.size() + kName.size()> key{};
  std::copy(kName.begin(), kName.end(),
            std::copy(kEncapsulationsKey.begin(), kEncapsulationsKey.end(), key.begin()));
  return key;
}();

template <std::size_t kIndex>
Row<Settings> encapsulation_row() {
  constexpr auto kRow = base::kEncapsulations[kIndex];
  return {std::string_view(kEncapsulationKey<kIndex>.data(), kEncapsulationKey<kIndex>.size()),
          [](Settings& s) -> Field { return &s.dataplane.inspect.encapsulations[kRow.value]; },
          {.help = kRow.help}};
}

template <std::size_t... kIndex>
std::array<Row<Settings>, sizeof...(kIndex)> encapsulation_rows(std::index_sequence<kIndex...>) {
  return {encapsulation_row<kIndex>()...};
}

const std::array kRowsAfterEncapsulations = std::to_array<Row<Settings>>({
    {"dataplane.block.http.status",
     [](Settings& s) -> Field { return &s.dataplane.block.http.status; },
     {.help =
          "Status of the answer to a blocked HTTP request: 451 with the page, 403 with the page, or 302 to "
          "`redirect`.",
      .allowed = kBlockStatuses}},
    {"dataplane.block.http.page",
     [](Settings& s) -> Field { return &s.dataplane.block.http.page; },
     {.help = "HTML file sent to blocked clients, 14 kB at most; `{{operator}}`, `{{reason}}` and "
              "`{{contact}}` in it stand for the settings of these names. None: the built-in page.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern}},
    {"dataplane.block.http.redirect",
     [](Settings& s) -> Field { return &s.dataplane.block.http.redirect; },
     {.help = "Where status 302 sends blocked clients.",
      .check = check_http_uri,
      .pattern = kHttpUriPattern}},
    {"dataplane.block.http.blocked_by",
     [](Settings& s) -> Field { return &s.dataplane.block.http.blocked_by; },
     {.help = "Who blocks: the address in the `Link: <...>; rel=\"blocked-by\"` header of status 451 (RFC "
              "7725, 4).",
      .check = check_http_uri,
      .pattern = kHttpUriPattern}},
    {"dataplane.block.http.operator",
     [](Settings& s) -> Field { return &s.dataplane.block.http.operator_name; },
     {.help = "Who blocks, as the page says it.", .check = check_page_text, .pattern = kPageTextPattern}},
    {"dataplane.block.http.reason",
     [](Settings& s) -> Field { return &s.dataplane.block.http.reason; },
     {.help = "Why, as the page says it: whose list it is and by what law or agreement.",
      .check = check_page_text,
      .pattern = kPageTextPattern}},
    {"dataplane.block.http.contact",
     [](Settings& s) -> Field { return &s.dataplane.block.http.contact; },
     {.help = "How to object, as the page says it.", .check = check_page_text, .pattern = kPageTextPattern}},
    {"dataplane.block.http.segment_bytes",
     [](Settings& s) -> Field { return &s.dataplane.block.http.segment_bytes; },
     {.help =
          "Most bytes of the page in one TCP segment. A client that asks for less gets less; one whose SYN "
          "was not seen gets 536 over IPv4 and 1220 over IPv6. The default passes every path that carries "
          "IPv6.",
      .unit = "bytes",
      .min = 216,
      .max = 1460}},
    {"dataplane.block.tls",
     [](Settings& s) -> Field { return choice(s.dataplane.block.tls, kTlsAnswers); },
     {.help = "What the client of a blocked TLS connection gets."}},
    {"dataplane.block.quic",
     [](Settings& s) -> Field { return choice(s.dataplane.block.quic, kQuicAnswers); },
     {.help = "What the client of a blocked QUIC connection gets."}},
    {"dataplane.mbufs.count",
     [](Settings& s) -> Field { return &s.dataplane.mbufs.count; },
     {.help = "Packet buffers, for all ports together.", .unit = "buffers", .min = 1024, .max = 16777216}},
    {"dataplane.mbufs.frame_bytes",
     [](Settings& s) -> Field { return &s.dataplane.mbufs.frame_bytes; },
     {.help = "Largest frame that fits one buffer; raise it for jumbo frames.",
      .unit = "bytes",
      .min = 2048,
      .max = 16384}},
    {"dataplane.flows.capacity",
     [](Settings& s) -> Field { return &s.dataplane.flows.capacity; },
     {.help = "Client connections over TCP that each worker follows, 132 bytes each. When there are more, "
              "those that wait for nothing are forgotten first, blocked ones last.",
      .unit = "connections",
      .min = 1024,
      .max = 16777216}},
    {"dataplane.flows.lifetime",
     [](Settings& s) -> Field { return &s.dataplane.flows.lifetime; },
     {.help = "How long a silent blocked connection is remembered.", .min = 1, .max = kDay}},
    {"dataplane.flows.reassembly_bytes",
     [](Settings& s) -> Field { return &s.dataplane.flows.reassembly_bytes; },
     {.help = "Memory of each worker for requests and ClientHellos that lie in several segments, and for the "
              "last ones decided. When it is full, the connection that has waited longest for the end of a "
              "message is read segment by segment.",
      .unit = "bytes",
      .min = 262144,
      .max = 17179869184}},
    {"dataplane.flows.quic_connections",
     [](Settings& s) -> Field { return &s.dataplane.flows.quic_connections; },
     {.help = "QUIC connections whose beginning each worker remembers, 650 bytes each. Decided ones are "
              "forgotten first, then the one silent for longest.",
      .unit = "connections",
      .min = 1024,
      .max = 4194304}},
    {"dataplane.flows.h2c_connections",
     [](Settings& s) -> Field { return &s.dataplane.flows.h2c_connections; },
     {.help = "HTTP/2 connections in cleartext that each worker follows at the same time, 220 KiB each at "
              "most. Of further ones only what the first segment holds is seen.",
      .unit = "connections",
      .min = 1,
      .max = 1024}},
    {"dataplane.fragments.memory_bytes",
     [](Settings& s) -> Field { return &s.dataplane.fragments.memory_bytes; },
     {.help = "Memory in which each worker puts IP fragments together; the oldest incomplete packet is "
              "forgotten first, and what is left of it passes.",
      .unit = "bytes",
      .min = 262144,
      .max = 1073741824}},
    {"dataplane.fail.handoff",
     [](Settings& s) -> Field { return choice(s.dataplane.fail.handoff, kFailModes); },
     {.help = "What becomes of packets that one worker received and another one should inspect, when the "
              "queue between the two is full."}},
    {"dataplane.fail.no_list",
     [](Settings& s) -> Field { return choice(s.dataplane.fail.no_list, kFailModes); },
     {.help = "What becomes of packets while there is no list at all, neither on disk at the start nor from "
              "the control daemon. `closed` cuts the wire, both ways and whatever the packets are."}},
    {"dataplane.fail.unknown_quic",
     [](Settings& s) -> Field { return choice(s.dataplane.fail.unknown_quic, kFailModes); },
     {.help =
          "What becomes of a client's QUIC packets of a version that is not known: what they ask for cannot "
          "be seen. With `closed` browsers fall back to TLS over TCP. Ports as in `dataplane.inspect.quic`; "
          "with `any`, other UDP that looks like QUIC is dropped too."}},
    {"dataplane.fail.flow_table",
     [](Settings& s) -> Field { return choice(s.dataplane.fail.flow_table, kFailModes); },
     {.help = "What becomes of a client's first packets when the table of connections is full of unfinished "
              "requests and blocked connections. With `open` they are followed, and in their place one of "
              "those is forgotten, whose packets pass; with `closed` they are dropped, and no connection is "
              "forgotten that still matters."}},
    {"dataplane.fail.reassembly",
     [](Settings& s) -> Field { return choice(s.dataplane.fail.reassembly, kFailModes); },
     {.help = "What becomes of a part of a request over TCP when the memory for them is full of other "
              "requests' parts. With `open` the one that has waited longest is given up, and its connection "
              "read segment by segment; with `closed` the part is dropped, until a request has ended or "
              "been silent for four minutes."}},
    {"dataplane.routed.icmp_errors_per_second",
     [](Settings& s) -> Field { return &s.dataplane.routed.icmp_errors_per_second; },
     {.help = "Most ICMP errors that each worker sends in a second, in mode routed: time exceeded, "
              "unreachable, packet too big. 0: none.",
      .unit = "packets",
      .min = 0,
      .max = 100000}},
    {"dataplane.breaker.page_hits_per_second",
     [](Settings& s) -> Field { return &s.dataplane.breaker.page_hits_per_second; },
     {.help = "A rule with a path that blocks more requests than this in each of five seconds in a row is "
              "tripped, "
              "and an alarm raised: an entry that is too wide does harm at once. 0: never.",
      .unit = "requests",
      .min = 0,
      .max = 30000}},
    {"dataplane.breaker.host_hits_per_second",
     [](Settings& s) -> Field { return &s.dataplane.breaker.host_hits_per_second; },
     {.help = "The same for rules on whole hosts. Those of a list that must be obeyed whatever the traffic "
              "are not "
              "for a machine to suspend, so this is off.",
      .unit = "requests",
      .min = 0,
      .max = 30000}},
    {"dataplane.latency_histogram",
     [](Settings& s) -> Field { return &s.dataplane.latency_histogram; },
     {.help = "Measure how long each packet takes, from its arrival to its being handed to the other port; "
              "`weirctl latency` switches it at run time."}},
    {"dataplane.user",
     [](Settings& s) -> Field { return &s.dataplane.user; },
     {.help =
          "User that the dataplane becomes when its ports are open; of its capabilities only CAP_NET_ADMIN "
          "is kept, "
          "where a port's device sits on an interface of the kernel's. The directory of `socket` must be the "
          "user's. None: stay who started it.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"dataplane.seccomp",
     [](Settings& s) -> Field { return &s.dataplane.seccomp; },
     {.help = "Refuse system calls that a running dataplane does not make."}},
    {"dataplane.lock_memory",
     [](Settings& s) -> Field { return &s.dataplane.lock_memory; },
     {.help = "Keep the dataplane's memory from being swapped out, where the limit on locked memory can be "
              "raised."}},
    {"dataplane.link_follow",
     [](Settings& s) -> Field { return &s.dataplane.link_follow; },
     {.help =
          "Take a port's link down while the other port has none, so that the devices on both sides see it. "
          "Needs a driver that can; an interface of the kernel's is set down."}},
    {"control.socket",
     [](Settings& s) -> Field { return &s.control.socket; },
     {.help = "Unix socket of the control daemon, for `weirctl`.",
      .check = check_socket_path,
      .pattern = kPathPattern}},
    {"control.roles.read",
     [](Settings& s) -> Field { return &s.control.roles.read; },
     {.help = "Unix users and groups that may look. root may everything.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"control.roles.update",
     [](Settings& s) -> Field { return &s.control.roles.update; },
     {.help = "Unix users and groups that may also change lists and reload.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"control.roles.admin",
     [](Settings& s) -> Field { return &s.control.roles.admin; },
     {.help = "Unix users and groups that may also roll back and change the enforcement.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"control.metrics.listen",
     [](Settings& s) -> Field { return &s.control.metrics_listen; },
     {.help = "Address and port of the Prometheus exporter; `\"\"` for none.",
      .check = check_listen_address,
      .pattern = kListenPattern}},
    {"control.state_dir",
     [](Settings& s) -> Field { return &s.control.state_dir; },
     {.help = "Directory of the control daemon's state: rules, the audit log.",
      .check = check_directory,
      .pattern = kPathPattern}},
    {"control.keep_generations",
     [](Settings& s) -> Field { return &s.control.keep_generations; },
     {.help = "Snapshots kept for a rollback.", .unit = "snapshots", .min = 1, .max = 1000}},
    {"control.audit.file_bytes",
     [](Settings& s) -> Field { return &s.control.audit.file_bytes; },
     {.help = "Size up to which a file of the audit log grows; then the log goes on in a new one.",
      .unit = "bytes",
      .min = 65536,
      .max = 1073741824}},
    {"control.audit.files",
     [](Settings& s) -> Field { return &s.control.audit.files; },
     {.help = "Files of the audit log that are kept, the one written to among them; older ones are removed.",
      .unit = "files",
      .min = 2,
      .max = 100000}},
    {"control.entries.at_rest",
     [](Settings& s) -> Field { return choice(s.control.entries.at_rest, kAtRest); },
     {.help = "How the state directory holds the entries of the lists."}},
    {"control.entries.key_file",
     [](Settings& s) -> Field { return &s.control.entries.key_file; },
     {.help = "File of the key, 64 hexadecimal digits, open to its owner alone; none: `entries.key` in "
              "`state_dir`. "
              "The systemd credential `weir-entries-key` comes before it.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern}},
    {"control.entries.make_key",
     [](Settings& s) -> Field { return &s.control.entries.make_key; },
     {.help = "Make the key's file at the first start. A key is never made while there are lists that "
              "another one "
              "encrypted."}},
    {"control.lock_memory",
     [](Settings& s) -> Field { return &s.control.lock_memory; },
     {.help = "Keep the control daemon's memory, which holds the entries, from being swapped out, where the "
              "limit on "
              "locked memory can be raised."}},
    {"control.selftest.enabled",
     [](Settings& s) -> Field { return &s.control.selftest.enabled; },
     {.help = "Prove from time to time, and after every change, that each worker blocks a listed host and "
              "passes an unlisted one, over HTTP, TLS and QUIC."}},
    {"control.selftest.interval",
     [](Settings& s) -> Field { return &s.control.selftest.interval; },
     {.help = "Time between two self-tests.", .min = 10, .max = kDay}},
    {"control.selftest.listed",
     [](Settings& s) -> Field { return &s.control.selftest.listed; },
     {.help =
          "The canary: a host that every snapshot blocks, so that it can be asked for. A name of one's own "
          "that leads to a harmless page can be tried by a browser, too.",
      .check = check_host,
      .pattern = kHostPattern}},
    {"control.selftest.unlisted",
     [](Settings& s) -> Field { return &s.control.selftest.unlisted; },
     {.help = "A host that no list holds, and that has to pass.",
      .check = check_host,
      .pattern = kHostPattern}},
    {"lists",
     [](Settings& s) -> Field { return &s.lists; },
     {.help = "The lists, the one of the highest precedence first: a verdict names the first that has the "
              "entry."}},
    {"protected_hosts",
     [](Settings& s) -> Field { return &s.protected_hosts; },
     {.help = "File of hosts, one a line, that no list may block without an explicit confirmation.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern}},
});

const std::array kPortRows = std::to_array<Row<PortSettings>>({
    {"name",
     [](PortSettings& p) -> Field { return &p.name; },
     {.help = "Name in the status and the metrics.",
      .check = check_name,
      .pattern = kNamePattern,
      .required = true}},
    {"device",
     [](PortSettings& p) -> Field { return &p.device; },
     {.help = "PCI address (`0000:81:00.0`) or DPDK device (`net_af_packet0,iface=eth1`).",
      .check = check_device,
      .pattern = kWordPattern,
      .required = true}},
    {"role",
     [](PortSettings& p) -> Field { return choice(p.role, kRoles); },
     {.help = "What is behind it.", .required = true}},
    {"addresses",
     [](PortSettings& p) -> Field { return &p.addresses; },
     {.help = "Addresses of Weir's own at this port, in mode routed, with the lengths of their networks: "
              "`[192.0.2.1/24, \"2001:db8::1/64\"]`. It answers ARP and neighbour discovery for them.",
      .check = check_interface_address,
      .pattern = kInterfaceAddressPattern}},
    {"next_hops",
     [](PortSettings& p) -> Field { return &p.next_hops; },
     {.help = "Routers to which all goes that leaves by this port, in mode routed, one for each of IPv4 and "
              "IPv6, each in a network of `addresses`.",
      .check = check_host_address,
      .pattern = kHostAddressPattern}},
});

const std::array kListRows = std::to_array<Row<ListSettings>>({
    {"name",
     [](ListSettings& l) -> Field { return &l.name; },
     {.help = "Name in verdicts, metrics and commands.",
      .check = check_name,
      .pattern = kNamePattern,
      .required = true}},
    {"type",
     [](ListSettings& l) -> Field { return choice(l.type, kListTypes); },
     {.help = "Where its entries come from."}},
    {"url",
     [](ListSettings& l) -> Field { return &l.url; },
     {.help = "Address of a feed: `https://...` or `file:///...`. Never http://: lists are secret.",
      .check = check_feed_url,
      .pattern = kFeedUrlPattern,
      .secret = true}},
    {"format",
     [](ListSettings& l) -> Field { return choice(l.format, kListFormats); },
     {.help = "Format of a feed, packed with gzip or not."}},
    {"csv.url_column",
     [](ListSettings& l) -> Field { return &l.csv.url_column; },
     {.help =
          "Column of the entries, for the format csv: its name in the header line, or its number from 1."}},
    {"csv.id_column",
     [](ListSettings& l) -> Field { return &l.csv.id_column; },
     {.help =
          "Column of the feed's own numbers, for the format csv; messages about refused lines name them."}},
    {"csv.header",
     [](ListSettings& l) -> Field { return &l.csv.header; },
     {.help = "Whether the first record has the columns' names; without, columns are given by number."}},
    {"csv.separator",
     [](ListSettings& l) -> Field { return choice(l.csv.separator, kCsvSeparators); },
     {.help = "What stands between two columns."}},
    {"csv.comments",
     [](ListSettings& l) -> Field { return &l.csv.comments; },
     {.help = "Whether records that begin with `#` are comments."}},
    {"json.entries",
     [](ListSettings& l) -> Field { return &l.json.entries; },
     {.help = "JSON pointer to the array of entries, for the format json; none: the document is the array.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"json.url",
     [](ListSettings& l) -> Field { return &l.json.url; },
     {.help = "JSON pointer from an item of the array to the entry; none: the item is the entry.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"json.serial",
     [](ListSettings& l) -> Field { return &l.json.serial; },
     {.help = "JSON pointer to the list's serial number, for the format json.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"delta.url",
     [](ListSettings& l) -> Field { return &l.delta.url; },
     {.help =
          "Where the changes since a token are, `https://...` with `{token}` in the path or query; none: the "
          "whole list is fetched each time. For the profiles plain, csv and json.",
      .check = check_delta_url,
      .pattern = kDeltaUrlPattern,
      .secret = true}},
    {"delta.full_every",
     [](ListSettings& l) -> Field { return &l.delta.full_every; },
     {.help = "The whole list is fetched again when the last one is older, whatever the changes say.",
      .min = kMinute,
      .max = 30 * kDay}},
    {"delta.token_header",
     [](ListSettings& l) -> Field { return &l.delta.token_header; },
     {.help = "Header of the whole list's answer with the token that it stands for, for plain and csv.",
      .check = check_header_name,
      .pattern = kHeaderNamePattern}},
    {"delta.token",
     [](ListSettings& l) -> Field { return &l.delta.token; },
     {.help = "JSON pointer to the token, in the whole list and in the changes, for the format json.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"delta.since",
     [](ListSettings& l) -> Field { return &l.delta.since; },
     {.help = "JSON pointer to the token that the changes begin at, for json; \"\": they do not repeat it.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"delta.added",
     [](ListSettings& l) -> Field { return &l.delta.added; },
     {.help = "JSON pointer to the array of added entries, for json; `json.url` leads on to each entry.",
      .check = check_json_pointer,
      .pattern = kJsonPointerPattern}},
    {"delta.removed",
     [](ListSettings& l) -> Field { return &l.delta.removed; },
     {.help = "The same, of removed entries.", .check = check_json_pointer, .pattern = kJsonPointerPattern}},
    {"delta.verify_url",
     [](ListSettings& l) -> Field { return &l.delta.verify_url; },
     {.help =
          "Where the digest or the signature of the changes is, with `{token}`; none: at their own address "
          "with `.sha256` or `.minisig` behind its path.",
      .check = check_delta_url,
      .pattern = kDeltaUrlPattern,
      .secret = true}},
    {"max_bytes",
     [](ListSettings& l) -> Field { return &l.max_bytes; },
     {.help = "A feed that is larger, as it comes or unpacked, is refused.",
      .unit = "bytes",
      .min = 1024,
      .max = std::uint64_t{16} << 30}},
    {"proxy",
     [](ListSettings& l) -> Field { return &l.proxy; },
     {.help =
          "Proxy to the feed's server, `http://HOST:PORT`; none: no proxy, whatever the environment says.",
      .check = check_http_uri,
      .pattern = kHttpUriPattern,
      .secret = true}},
    {"timeout",
     [](ListSettings& l) -> Field { return &l.timeout; },
     {.help = "A transfer that takes longer is given up.", .min = 1, .max = kDay}},
    {"ca_file",
     [](ListSettings& l) -> Field { return &l.ca_file; },
     {.help = "Certificate authorities (PEM) that the feed's server is checked against; none: the system's.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern}},
    {"auth.type",
     [](ListSettings& l) -> Field { return choice(l.auth.type, kAuthTypes); },
     {.help = "How Weir shows the feed's server who it is."}},
    {"auth.user",
     [](ListSettings& l) -> Field { return &l.auth.user; },
     {.help = "User, for basic.", .check = check_plain_word, .pattern = kWordPattern, .secret = true}},
    {"auth.password_file",
     [](ListSettings& l) -> Field { return &l.auth.password_file; },
     {.help = "File whose first line is the password, for basic.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern,
      .secret = true}},
    {"auth.token_file",
     [](ListSettings& l) -> Field { return &l.auth.token_file; },
     {.help = "File whose first line is the token, for bearer.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern,
      .secret = true}},
    {"auth.certificate",
     [](ListSettings& l) -> Field { return &l.auth.certificate; },
     {.help = "Client certificate (PEM), for client_cert.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern,
      .secret = true}},
    {"auth.key",
     [](ListSettings& l) -> Field { return &l.auth.key; },
     {.help = "File of the certificate's private key (PEM), for client_cert.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern,
      .secret = true}},
    {"verify.type",
     [](ListSettings& l) -> Field { return choice(l.verify.type, kVerifyTypes); },
     {.help = "How the list itself is checked, beside the transport."}},
    {"verify.public_key",
     [](ListSettings& l) -> Field { return &l.verify.public_key; },
     {.help = "The feed's public key, for minisign: the second line of its file.",
      .check = check_minisign_key,
      .pattern = kMinisignKeyPattern}},
    {"verify.url",
     [](ListSettings& l) -> Field { return &l.verify.url; },
     {.help = "Where the digest or the signature is; none: at the list's own address with `.sha256` or "
              "`.minisig` behind its path.",
      .check = check_optional_feed_url,
      .pattern = kOptionalFeedUrlPattern,
      .secret = true}},
    {"interval",
     [](ListSettings& l) -> Field { return &l.interval; },
     {.help = "How often a feed is fetched; a file is read when it changes, too.",
      .min = 10,
      .max = 30 * kDay}},
    {"max_age",
     [](ListSettings& l) -> Field { return &l.max_age; },
     {.help = "Age of the last good fetch from which on the alarm is raised; the list stays in force.",
      .min = kMinute,
      .max = 365 * kDay}},
    {"on_tls",
     [](ListSettings& l) -> Field { return choice(l.on_tls, kOnTls); },
     {.help = "What path rules, which cannot be seen within TLS, do to encrypted connections."}},
    {"subdomains",
     [](ListSettings& l) -> Field { return &l.subdomains; },
     {.help = "Path rules hold for the hosts below theirs too."}},
    {"www_equivalent",
     [](ListSettings& l) -> Field { return &l.www_equivalent; },
     {.help = "A host with and without `www.` in front is the same."}},
    {"guards.min_entries",
     [](ListSettings& l) -> Field { return &l.guards.min_entries; },
     {.help = "A fetched list with fewer entries is refused, and the last good one stays.",
      .unit = "entries",
      .min = 0,
      .max = 100000000}},
    {"guards.max_shrink_percent",
     [](ListSettings& l) -> Field { return &l.guards.max_shrink_percent; },
     {.help = "A fetched list that lost a larger part of its entries is refused.",
      .unit = "percent",
      .min = 0,
      .max = 100}},
    {"guards.max_growth_percent",
     [](ListSettings& l) -> Field { return &l.guards.max_growth_percent; },
     {.help = "A fetched list that grew by more is refused; 0: no bound.",
      .unit = "percent",
      .min = 0,
      .max = 1000000}},
    {"guards.refuse_older",
     [](ListSettings& l) -> Field { return &l.guards.refuse_older; },
     {.help = "A fetched list whose serial number or signing time is older than that of the last good one is "
              "refused."}},
});

}  // namespace

std::string_view to_string(PortRole role) noexcept { return kRoles[base::index_of(role)].name; }

std::span<const Row<Settings>> settings_rows() {
  static const std::vector<Row<Settings>> kRows = [] {
    std::vector<Row<Settings>> rows(kRowsBeforeEncapsulations.begin(), kRowsBeforeEncapsulations.end());
    const auto encapsulations = encapsulation_rows(std::make_index_sequence<base::kEncapsulations.size()>());
    rows.insert(rows.end(), encapsulations.begin(), encapsulations.end());
    rows.insert(rows.end(), kRowsAfterEncapsulations.begin(), kRowsAfterEncapsulations.end());
    return rows;
  }();
  return kRows;
}
std::span<const Row<PortSettings>> port_rows() { return kPortRows; }
std::span<const Row<ListSettings>> list_rows() { return kListRows; }

}  // namespace weir::config
