#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/encapsulations.h"
#include "dataplane/base/enforcement.h"
#include "dataplane/base/result.h"

namespace weir::config {

enum class Topology : std::uint8_t { inline_wire, mirror, routed };
enum class PortRole : std::uint8_t { subscriber, network, mirror, answers, one_arm };
enum class Idle : std::uint8_t { busy, sleep };
/// What must be seen of a TCP handshake before a blocked request gets a whole answer.
enum class Handshake : std::uint8_t { none, opened, answered };
enum class FailMode : std::uint8_t { open, closed };
enum class TlsAnswer : std::uint8_t { alert, reset };
enum class QuicAnswer : std::uint8_t { close, drop };
enum class ListType : std::uint8_t { feed, manual };
/// A new one goes to the end: the state on disk holds the number.
enum class ListFormat : std::uint8_t { plain, csv, json, hosts, rpz };
enum class OnTls : std::uint8_t { pass, block_host };
enum class AtRest : std::uint8_t { encrypted, plain, none };
enum class AuthType : std::uint8_t { none, basic, bearer, client_cert };
/// Between the columns of a CSV file.
enum class CsvSeparator : std::uint8_t { comma, semicolon, tab, pipe };
enum class VerifyType : std::uint8_t { none, sha256, minisign };

struct PortSettings {
  std::string name;
  std::string device;  // PCI address, or a DPDK vdev string such as net_af_packet0,iface=eth1
  PortRole role = PortRole::subscriber;
  std::vector<std::string> addresses;  // of a routed box, with prefix lengths: 192.0.2.1/24
  std::vector<std::string> next_hops;  // of a routed box: at most one for each address family
  std::size_t line = 0;                // in the file, for messages
};

/// The name of the role in the configuration.
std::string_view to_string(PortRole role) noexcept;

/// Destination ports on which to look for a protocol. `any`: on every port, recognised by content.
struct PortSelection {
  bool any = true;
  std::vector<std::uint16_t> ports;  // empty and not any: not inspected
};

struct InspectSettings {
  PortSelection http;
  PortSelection tls;
  PortSelection quic;
  base::Encapsulations encapsulations;
};

struct HttpBlockSettings {
  unsigned status = 451;       // 451, 403 or 302
  std::filesystem::path page;  // empty: the built-in page
  std::string redirect;        // for 302
  std::string blocked_by;      // URI of the blocking party (RFC 7725, section 4)
  std::string operator_name;   // who blocks; plain text for the page, as are `reason` and `contact`
  std::string reason;
  std::string contact;
  unsigned segment_bytes = 1220;
  unsigned bytes_per_destination = 65536;  // per second; 0: no limit
};

struct BlockSettings {
  Handshake handshake = Handshake::answered;
  HttpBlockSettings http;
  TlsAnswer tls = TlsAnswer::alert;
  QuicAnswer quic = QuicAnswer::close;
};

struct MbufSettings {
  std::uint32_t count = 16384;       // for all ports together
  std::uint32_t frame_bytes = 2048;  // largest frame that fits one mbuf; raise for jumbo frames
};

struct FlowSettings {
  std::size_t capacity = 65536;  // each worker
  std::chrono::seconds lifetime{60};
  std::size_t quic_connections = 65536;           // each worker
  std::uint32_t quic_initials_per_source = 2000;  // per second, each worker
  std::size_t h2c_connections = 32;               // each worker
  std::uint64_t reassembly_bytes = 33554432;      // each worker
};

struct FragmentSettings {
  std::uint64_t memory_bytes = 33554432;  // each worker
};

/// What happens to packets that cannot be inspected, by the condition that prevents it.
struct FailSettings {
  FailMode handoff = FailMode::open;
  FailMode no_list = FailMode::open;
  FailMode unknown_quic = FailMode::open;
  FailMode flow_table = FailMode::open;
  FailMode reassembly = FailMode::open;
  FailMode fragments = FailMode::open;
  FailMode quic_budget = FailMode::open;
};

struct RoutedSettings {
  unsigned icmp_errors_per_second = 100;  // of each worker
};

enum class BreakerAction : std::uint8_t { alarm, trip };

/// What is done about a rule that matches far too often.
struct BreakerSettings {
  BreakerAction action = BreakerAction::alarm;
  unsigned page_hits_per_second = 1000;  // 0: no limit
  unsigned host_hits_per_second = 0;
  unsigned clients = 50;                  // that must have sent the requests before the rule is tripped
  std::chrono::seconds rearm_after{600};  // 0: only `weirctl reset` puts it back
};

struct DataplaneSettings {
  std::vector<std::string> eal;
  Topology topology = Topology::inline_wire;
  base::Enforcement enforcement = base::Enforcement::enforce;
  std::vector<PortSettings> ports;
  std::vector<unsigned> workers{1};
  Idle idle = Idle::sleep;
  std::filesystem::path socket = "/run/weir/dataplane.sock";
  std::filesystem::path snapshot_dir = "/var/lib/weir/snapshots";
  InspectSettings inspect;
  BlockSettings block;
  MbufSettings mbufs;
  FlowSettings flows;
  FragmentSettings fragments;
  FailSettings fail;
  RoutedSettings routed;
  BreakerSettings breaker;
  bool link_follow = true;
  bool latency_histogram = false;
  std::string user;  // to switch to once the ports are open; empty: no switch
  bool seccomp = true;
  bool lock_memory = true;
};

/// Names of Unix users and groups that have a role. root has every role.
struct RoleSettings {
  std::vector<std::string> read;
  std::vector<std::string> update;
  std::vector<std::string> admin;
};

struct AuditSettings {
  std::uint64_t file_bytes = 16777216;  // the log is rotated before a file grows beyond this
  unsigned files = 10;                  // kept, including the current one
};

/// How the entries of the rules are stored.
struct EntrySettings {
  AtRest at_rest = AtRest::encrypted;
  std::filesystem::path key_file;  // empty: entries.key in state_dir
  bool make_key = true;
};

struct SelfTestSettings {
  bool enabled = true;
  std::chrono::seconds interval{300};
  std::string listed = "weir-canary.invalid";      // on a list of every snapshot
  std::string unlisted = "weir-unlisted.invalid";  // should be on no list
};

struct ControlSettings {
  std::filesystem::path socket = "/run/weir/control.sock";
  RoleSettings roles;
  std::string metrics_listen = "127.0.0.1:9477";  // empty: no exporter
  std::filesystem::path state_dir = "/var/lib/weir";
  unsigned keep_generations = 10;
  AuditSettings audit;
  EntrySettings entries;
  bool lock_memory = true;
  SelfTestSettings selftest;
};

/// Name of the list that holds the self-test's canary. No configured list may have it.
inline constexpr const char* kSelfTestList = "selftest";

struct AuthSettings {
  AuthType type = AuthType::none;
  std::string user;
  std::filesystem::path password_file;
  std::filesystem::path token_file;
  std::filesystem::path certificate;
  std::filesystem::path key;
};

struct VerifySettings {
  VerifyType type = VerifyType::none;
  std::string public_key;
  std::string url;  // of the digest or signature; empty: the list's own with .sha256 or .minisig appended
};

/// Columns of the format csv, by name in the header line or by number from 1.
struct CsvSettings {
  std::string url_column = "url";
  std::string id_column;  // empty: the feed does not number its entries
  bool header = true;     // false: columns are given by number
  CsvSeparator separator = CsvSeparator::comma;
  bool comments = false;  // skip records that begin with `#`
};

/// JSON pointers (RFC 6901) for the format json.
struct JsonSettings {
  std::string entries;  // to the array of entries; empty: the document is the array
  std::string url;      // from an item of the array to the entry; empty: the item is the entry
  std::string serial;   // to the list's serial number; empty: it has none
};

/// How to fetch the changes of a feed since a token instead of the whole list.
struct DeltaSettings {
  std::string url;                            // with {token} where the token goes; empty: no deltas
  std::string token_header = "X-Feed-Token";  // for plain and csv: response header of the whole list
  std::string token = "/token";               // this and the next three: JSON pointers, for json
  std::string since = "/since";               // empty: the changes do not repeat it
  std::string added = "/added";
  std::string removed = "/removed";
  std::string verify_url;  // of the changes' digest or signature, with {token}; empty: next to them
  std::chrono::seconds full_every{86400};
};

struct GuardSettings {
  std::uint64_t min_entries = 1;
  unsigned max_shrink_percent = 20;
  unsigned max_growth_percent = 100;  // 0: no bound
  bool refuse_older = true;
};

struct ListSettings {
  std::string name;
  ListType type = ListType::feed;
  std::string url;  // its scheme is one of kFeedSchemes
  ListFormat format = ListFormat::plain;
  CsvSettings csv;
  JsonSettings json;
  DeltaSettings delta;
  std::string proxy;                  // empty: none
  std::chrono::seconds timeout{900};  // for a whole transfer
  std::filesystem::path ca_file;      // empty: the system's certificate authorities
  AuthSettings auth;
  VerifySettings verify;
  std::chrono::seconds interval{1800};
  std::chrono::seconds max_age{86400};
  OnTls on_tls = OnTls::pass;
  bool subdomains = false;
  bool www_equivalent = false;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  // packed and unpacked
  GuardSettings guards;
  std::size_t line = 0;  // in the file, for messages
};

struct Settings {
  DataplaneSettings dataplane;
  ControlSettings control;
  std::vector<ListSettings> lists;        // highest precedence first
  std::filesystem::path protected_hosts;  // empty: none
  std::vector<std::string> old_names;     // notices about old names that the file uses
};

inline constexpr const char* kDefaultConfigFile = "/etc/weir/weir.yaml";

/// The program that reads the file. Problems are reported in the whole file, missing keys only where the
/// program needs them.
enum class Audience : std::uint8_t { dataplane, control, client, replay };

/// Reads and checks a configuration file. On failure, the message of the error has one line for each problem,
/// in the order of the file: `FILE:LINE: KEY: what is wrong, what was expected`. Unknown keys are problems.
/// Values of secret settings are never repeated. For the client, a missing file at kDefaultConfigFile means
/// the defaults. Error codes: config_unreadable, config_invalid.
base::Result<Settings> load_settings(const std::filesystem::path& file, Audience audience);
/// The same for text that was read already. `name` stands for the file in messages.
base::Result<Settings> parse_settings(const std::string& text, const std::string& name, Audience audience);

/// What the daemons log at the start and --check-config prints: old names in use, settings without effect,
/// and settings that the operator should still fill in. One sentence each.
std::vector<std::string> setting_notices(const Settings& settings);

/// The configuration reference, generated from the rows of the schema: as Markdown and as a JSON Schema.
std::string settings_reference_markdown();
std::string settings_json_schema();

}  // namespace weir::config
