#include <array>

#include "config/choices.h"
#include "config/schema.h"
#include "config/text_checks.h"

namespace weir::config {
namespace {

constexpr std::array<unsigned, 3> kBlockStatuses{451, 403, 302};

const std::array kDataplaneRows = std::to_array<Row<Settings>>({
    {"dataplane.eal",
     [](Settings& s) -> Field { return &s.dataplane.eal; },
     {.help = "Arguments for DPDK's rte_eal_init, one per item. A laboratory without huge pages and DPDK "
              "network cards needs `[\"--no-pci\", \"--no-huge\", \"-m\", \"512\"]`.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"dataplane.mode",
     [](Settings& s) -> Field { return choice<kTopologies>(s.dataplane.topology); },
     {.help = "The topology: how the box sits in the traffic."}},
    {"dataplane.enforcement",
     [](Settings& s) -> Field { return choice<base::kEnforcements>(s.dataplane.enforcement); },
     {.help = "What is done about listed requests after a start. `weirctl enforcement` changes it at run "
              "time."}},
    {"dataplane.ports",
     [](Settings& s) -> Field { return &s.dataplane.ports; },
     {.help = "The ports. `mode: inline` needs one with role subscriber and one with role network; `mode: "
              "mirror` one with role mirror and one with role answers; `mode: routed` either the two of a "
              "wire or one with role one-arm. Only the dataplane requires them."}},
    {"dataplane.workers",
     [](Settings& s) -> Field { return &s.dataplane.workers; },
     {.help = "CPU cores (DPDK lcores) that forward packets, one worker on each. With several workers each "
              "port has one queue per worker where the device can do that. Packets between the same two "
              "addresses are always inspected by the same worker, whichever queue they arrive on.",
      .min = 0,
      .max = 127}},
    {"dataplane.idle",
     [](Settings& s) -> Field { return choice<kIdles>(s.dataplane.idle); },
     {.help = "What a worker does while no packets arrive."}},
    {"dataplane.socket",
     [](Settings& s) -> Field { return &s.dataplane.socket; },
     {.help = "Unix socket of the dataplane, through which the control daemon loads snapshots.",
      .check = check_socket_path,
      .pattern = kPathPattern}},
    {"dataplane.snapshot_dir",
     [](Settings& s) -> Field { return &s.dataplane.snapshot_dir; },
     {.help = "Directory of the compiled lists. The control daemon writes them; the dataplane loads the last "
              "good one from here when it starts.",
      .check = check_directory,
      .pattern = kPathPattern}},
    {"dataplane.inspect.http",
     [](Settings& s) -> Field { return &s.dataplane.inspect.http; },
     {.help = "Destination ports on which to look for HTTP requests."}},
    {"dataplane.inspect.tls",
     [](Settings& s) -> Field { return &s.dataplane.inspect.tls; },
     {.help = "Destination ports on which to look for TLS ClientHellos."}},
    {"dataplane.inspect.quic",
     [](Settings& s) -> Field { return &s.dataplane.inspect.quic; },
     {.help = "Destination ports on which to look for QUIC."}},
    {"dataplane.block.handshake",
     [](Settings& s) -> Field { return choice<kHandshakes>(s.dataplane.block.handshake); },
     {.help = "What must have been seen of the TCP handshake before a blocked request gets a whole answer. "
              "Without it, the client gets one reset, which is no larger than the request: source addresses "
              "can be forged, and pages could be aimed at somebody else. Connections that were open before "
              "Weir started get resets too. Set `opened` where some servers' packets take another path than "
              "their clients'."}},
    {"dataplane.block.http.status",
     [](Settings& s) -> Field { return &s.dataplane.block.http.status; },
     {.help = "Status of the answer to a blocked HTTP request: 451 or 403 with the block page, or 302 to "
              "`redirect`.",
      .allowed = kBlockStatuses,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.page",
     [](Settings& s) -> Field { return &s.dataplane.block.http.page; },
     {.help = "HTML file of the block page, 14 kB at most. `{{operator}}`, `{{reason}}` and `{{contact}}` in "
              "it are replaced by the settings of these names. None: the built-in page.",
      .check = check_optional_path,
      .pattern = kOptionalPathPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.redirect",
     [](Settings& s) -> Field { return &s.dataplane.block.http.redirect; },
     {.help = "Where status 302 sends blocked clients.",
      .check = check_http_uri,
      .pattern = kHttpUriPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.blocked_by",
     [](Settings& s) -> Field { return &s.dataplane.block.http.blocked_by; },
     {.help =
          "URI of the blocking party, for the `Link: <...>; rel=\"blocked-by\"` header of status 451 (RFC "
          "7725, section 4).",
      .check = check_http_uri,
      .pattern = kHttpUriPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.operator",
     [](Settings& s) -> Field { return &s.dataplane.block.http.operator_name; },
     {.help = "Who blocks, in the words of the block page.",
      .check = check_page_text,
      .pattern = kPageTextPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.reason",
     [](Settings& s) -> Field { return &s.dataplane.block.http.reason; },
     {.help = "Why, in the words of the block page: whose list it is, and under which law or agreement.",
      .check = check_page_text,
      .pattern = kPageTextPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.contact",
     [](Settings& s) -> Field { return &s.dataplane.block.http.contact; },
     {.help = "How to object, in the words of the block page.",
      .check = check_page_text,
      .pattern = kPageTextPattern,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.segment_bytes",
     [](Settings& s) -> Field { return &s.dataplane.block.http.segment_bytes; },
     {.help =
          "Maximum number of bytes of the block page in one TCP segment. A client with a smaller MSS gets "
          "smaller segments; a client whose SYN was not seen gets 536 bytes over IPv4 and 1220 over "
          "IPv6. The default fits every path that carries IPv6.",
      .unit = "bytes",
      .min = 216,
      .max = 1460,
      .change_needs = ChangeNeeds::reconfigure}},
    {"dataplane.block.http.bytes_per_destination",
     [](Settings& s) -> Field { return &s.dataplane.block.http.bytes_per_destination; },
     {.help = "Maximum number of bytes of block pages that each worker sends per second to one destination "
              "(an IPv4 address or an IPv6 /64); four times as many at once. Beyond it the client gets a "
              "reset. Source addresses can be forged: without a limit, pages could be aimed at somebody "
              "else. 0: no limit.",
      .unit = "bytes",
      .min = 0,
      .max = 100000000}},
    {"dataplane.block.tls",
     [](Settings& s) -> Field { return choice<kTlsAnswers>(s.dataplane.block.tls); },
     {.help = "What the client of a blocked TLS connection receives."}},
    {"dataplane.block.quic",
     [](Settings& s) -> Field { return choice<kQuicAnswers>(s.dataplane.block.quic); },
     {.help = "What the client of a blocked QUIC connection receives."}},
    {"dataplane.mbufs.count",
     [](Settings& s) -> Field { return &s.dataplane.mbufs.count; },
     {.help = "Packet buffers, for all ports together.", .unit = "buffers", .min = 1024, .max = 16777216}},
    {"dataplane.mbufs.frame_bytes",
     [](Settings& s) -> Field { return &s.dataplane.mbufs.frame_bytes; },
     {.help = "Largest frame that fits one buffer. Raise it for jumbo frames.",
      .unit = "bytes",
      .min = 2048,
      .max = 16384}},
    {"dataplane.flows.capacity",
     [](Settings& s) -> Field { return &s.dataplane.flows.capacity; },
     {.help = "TCP connections that each worker follows, 140 bytes each. When the table is full, connections "
              "with no unfinished request are evicted first and blocked ones last.",
      .unit = "connections",
      .min = 1024,
      .max = 16777216}},
    {"dataplane.flows.lifetime",
     [](Settings& s) -> Field { return &s.dataplane.flows.lifetime; },
     {.help = "How long a blocked connection is remembered after its last packet.", .min = 1, .max = kDay}},
    {"dataplane.flows.reassembly_bytes",
     [](Settings& s) -> Field { return &s.dataplane.flows.reassembly_bytes; },
     {.help =
          "Memory of each worker for requests and ClientHellos that span several segments, and for the "
          "last ones decided. When it is full, a connection of the sender whose unfinished messages hold "
          "most of it is read one segment at a time: the one that has waited longest. A sender is an IPv4 "
          "address or an IPv6 /64.",
      .unit = "bytes",
      .min = 262144,
      .max = 17179869184}},
    {"dataplane.flows.quic_connections",
     [](Settings& s) -> Field { return &s.dataplane.flows.quic_connections; },
     {.help = "QUIC connections whose first packets each worker remembers, 770 bytes each. Decided ones are "
              "evicted first, then those of the sender that has most of them.",
      .unit = "connections",
      .min = 1024,
      .max = 4194304}},
    {"dataplane.flows.quic_initials_per_source",
     [](Settings& s) -> Field { return &s.dataplane.flows.quic_initials_per_source; },
     {.help = "How many QUIC Initials per second each worker reads from one IPv4 address or IPv6 /64, and 16 "
              "times as many from one IPv4 /24 or IPv6 /48. Only what costs time counts: keys that are "
              "derived and packets that are decrypted. An Initial of a connection that is known is always "
              "read. See `dataplane.fail.quic_budget`.",
      .unit = "packets",
      .min = 10,
      .max = 10000000}},
    {"dataplane.flows.h2c_connections",
     [](Settings& s) -> Field { return &s.dataplane.flows.h2c_connections; },
     {.help = "Cleartext HTTP/2 connections that each worker follows at the same time, at most 220 KiB each. "
              "Of further connections only requests within the first segment are seen; a sender that has "
              "more than others gives way to them.",
      .unit = "connections",
      .min = 1,
      .max = 1024}},
    {"dataplane.fragments.memory_bytes",
     [](Settings& s) -> Field { return &s.dataplane.fragments.memory_bytes; },
     {.help = "Memory in which each worker reassembles IP fragments. When it is full, the oldest incomplete "
              "packet of the sender that holds most of it is evicted, and the rest of its fragments are "
              "forwarded. A sender is an IPv4 address or an IPv6 /64.",
      .unit = "bytes",
      .min = 262144,
      .max = 1073741824}},
    {"dataplane.fail.handoff",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.handoff); },
     {.help = "What happens to packets that one worker received and another should inspect while the queue "
              "between the two is full.",
      .formerly = "handover"}},
    {"dataplane.fail.no_list",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.no_list); },
     {.help = "What happens to packets while no list is loaded, neither from disk at the start nor from the "
              "control daemon. `closed` cuts the wire: all packets, both directions."}},
    {"dataplane.fail.unknown_quic",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.unknown_quic); },
     {.help = "What happens to a client's QUIC packets of an unknown version, whose request cannot be read. "
              "With `closed`, browsers fall back to TLS over TCP. Applies to the ports of "
              "`dataplane.inspect.quic`; with `any`, other UDP that looks like QUIC is dropped as well."}},
    {"dataplane.fail.flow_table",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.flow_table); },
     {.help =
          "What happens to the first packets of a new connection while the flow table is full of "
          "unfinished requests and blocked connections. With `open` the new connection takes the place of "
          "one of those, whose packets are forwarded from then on. With `closed` the new packets are "
          "dropped, and no connection that still matters is evicted."}},
    {"dataplane.fail.reassembly",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.reassembly); },
     {.help =
          "What happens to a part of a TCP request while the reassembly memory is full of parts of other "
          "requests. With `open` a connection of the sender that holds most is read one segment at a time "
          "from then on. With `closed` the part is dropped until another request has ended or been silent "
          "for four minutes, and no sender gets more than what it leaves free for the others."}},
    {"dataplane.fail.fragments",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.fragments); },
     {.help = "What happens to a fragment while the memory for fragments is full of incomplete packets. With "
              "`open` the oldest packet of the sender that holds most is forgotten, and the rest of its "
              "fragments are forwarded. With `closed` the fragment is dropped, and no sender gets more than "
              "what it leaves free for the others."}},
    {"dataplane.fail.quic_budget",
     [](Settings& s) -> Field { return choice<kFailModes>(s.dataplane.fail.quic_budget); },
     {.help =
          "What happens to QUIC Initials of a sender that has used up "
          "`dataplane.flows.quic_initials_per_source`. With `open` they are not inspected. With `closed`, "
          "browsers fall back to TLS over TCP."}},
    {"dataplane.routed.icmp_errors_per_second",
     [](Settings& s) -> Field { return &s.dataplane.routed.icmp_errors_per_second; },
     {.help = "Maximum number of ICMP errors (time exceeded, unreachable, packet too big) that each worker "
              "of a routed box sends per second. 0: none.",
      .unit = "packets",
      .min = 0,
      .max = 100000}},
    {"dataplane.breaker.action",
     [](Settings& s) -> Field { return choice<kBreakerActions>(s.dataplane.breaker.action); },
     {.help = "What is done about a rule that goes beyond its limit. Whoever can send enough requests from "
              "enough addresses can bring a rule beyond it, so `trip` lets the public unblock a page."}},
    {"dataplane.breaker.page_hits_per_second",
     [](Settings& s) -> Field { return &s.dataplane.breaker.page_hits_per_second; },
     {.help = "Limit of a rule with a path. The rule is beyond it when it blocks more requests than this in "
              "each of five consecutive seconds: an entry that is too wide does harm at once. 0: no limit.",
      .unit = "requests",
      .min = 0,
      .max = 30000}},
    {"dataplane.breaker.host_hits_per_second",
     [](Settings& s) -> Field { return &s.dataplane.breaker.host_hits_per_second; },
     {.help = "The same for rules on whole hosts. 0: no limit.", .unit = "requests", .min = 0, .max = 30000}},
    {"dataplane.breaker.clients",
     [](Settings& s) -> Field { return &s.dataplane.breaker.clients; },
     {.help = "With `action: trip`, a rule is tripped only if at least about this many clients (IPv4 "
              "addresses or IPv6 /64 networks) requested it in the five seconds, each over a TCP connection "
              "of which Weir saw the client's SYN.",
      .unit = "clients",
      .min = 1,
      .max = 200}},
    {"dataplane.breaker.rearm_after",
     [](Settings& s) -> Field { return &s.dataplane.breaker.rearm_after; },
     {.help = "A tripped rule is put back into force after this time. If it is still beyond its limit, it "
              "trips again five seconds later. 0: only `weirctl reset` or a restart puts it back.",
      .min = 0,
      .max = kDay}},
    {"dataplane.latency_histogram",
     [](Settings& s) -> Field { return &s.dataplane.latency_histogram; },
     {.help =
          "Measure the time of each packet from its arrival until it is given to the other port. `weirctl "
          "latency` switches this at run time."}},
    {"dataplane.user",
     [](Settings& s) -> Field { return &s.dataplane.user; },
     {.help = "User that the dataplane switches to once its ports are open. It then keeps no capability but "
              "CAP_NET_ADMIN, and that only if a port uses a kernel interface. The user must own the "
              "directory of `socket`. None: no switch.",
      .check = check_plain_word,
      .pattern = kWordPattern}},
    {"dataplane.seccomp",
     [](Settings& s) -> Field { return &s.dataplane.seccomp; },
     {.help = "Refuse system calls that a running dataplane does not make."}},
    {"dataplane.lock_memory",
     [](Settings& s) -> Field { return &s.dataplane.lock_memory; },
     {.help = "Keep the dataplane's memory from being swapped out, if the limit on locked memory can be "
              "raised."}},
    {"dataplane.link_follow",
     [](Settings& s) -> Field { return &s.dataplane.link_follow; },
     {.help = "Take a port's link down while the other port has none, so that the devices on both sides "
              "notice. Needs a driver that can do it; a kernel interface is set down."}},
});

const std::array kPortRows = std::to_array<Row<PortSettings>>({
    {"name",
     [](PortSettings& p) -> Field { return &p.name; },
     {.help = "Name in the status and in metrics.",
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
     [](PortSettings& p) -> Field { return choice<kPortRoles>(p.role); },
     {.help = "What the port connects to.", .required = true}},
    {"addresses",
     [](PortSettings& p) -> Field { return &p.addresses; },
     {.help = "With `mode: routed`: Weir's addresses on this port, with prefix lengths: `[192.0.2.1/24, "
              "\"2001:db8::1/64\"]`. Weir answers ARP and neighbour discovery for them.",
      .check = check_interface_address,
      .pattern = kInterfaceAddressPattern}},
    {"next_hops",
     [](PortSettings& p) -> Field { return &p.next_hops; },
     {.help = "With `mode: routed`: the routers to which packets leaving by this port are sent, at most one "
              "for IPv4 and one for IPv6, each in a network of `addresses`.",
      .check = check_host_address,
      .pattern = kHostAddressPattern}},
});

}  // namespace

std::span<const Row<Settings>> dataplane_rows() { return kDataplaneRows; }
std::span<const Row<PortSettings>> port_rows() { return kPortRows; }

}  // namespace weir::config
