#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/inspect/inspector.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/require.h"
#include "tests/support/tls_hello_builder.h"

// One connection that sends a message, listed or not. The input is a byte that chooses the message, then four
// bytes per segment: offset (two), length, and how it is sent. The server keeps the first copy of each byte,
// and gets no segment with a wrong checksum or a short TTL. It must never get a whole listed message. Of an
// unlisted message without disguise, nothing may be dropped.
namespace {

using namespace weir;
using fuzz::require;

constexpr std::uint32_t kFirst = 0xffffff80;
enum : unsigned { kDecoy = 1, kDies = 2, kWrongChecksum = 4, kReset = 8, kSyn = 16, kFar = 32 };

struct Message {
  test::Bytes bytes;
  bool listed;
};

/// A hello with records around and within it that servers pass over.
test::Bytes hello_with_skipped_records(std::string_view name) {
  const test::Bytes skipped = test::from_hex("1603010000 1403010000 1503010002015a 140303000101");
  const test::Bytes records = test::TlsHelloBuilder().sni(name).record_version(0x0505).records(60);
  test::Bytes all = skipped;
  all.insert(all.end(), records.begin(), records.begin() + 65);
  test::append(all, skipped);
  all.insert(all.end(), records.begin() + 65, records.end());
  return all;
}

// What only some servers take for a request.
void add_lenient_messages(std::string_view name, bool listed, std::vector<Message>& all) {
  const std::string host = "Host: " + std::string(name) + "\r\n\r\n";
  const auto add = [&all, listed](test::Bytes bytes) { all.push_back({std::move(bytes), listed}); };
  add(test::to_bytes("GET /a\r\n" + host));
  add(test::to_bytes("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\na=bGET / HTTP/1.1\r\n" + host));
  add(test::to_bytes("GET / HTTP/1.1\r\nX: y\r" + host));
  add(test::to_bytes("GET / HTTP/1.1\r\nHost: " + std::string(name) + "\r\n\rX"));
  add(test::to_bytes(std::string("\x04\x01\0\x50\0\0\0\x01\0", 9) + std::string(name) + '\0'));
  test::Bytes proxied = test::to_bytes("PROXY UNKNOWN\r\n");
  test::append(proxied, test::TlsHelloBuilder().sni(name).record());
  add(std::move(proxied));
}

std::vector<Message> make_messages() {
  std::vector<Message> all;
  for (const bool listed : {true, false}) {
    const std::string_view name = listed ? "listed.example.com" : "passed.example.com";
    const std::string get = test::http_get(name);
    const auto add = [&all, listed](test::Bytes bytes) { all.push_back({std::move(bytes), listed}); };
    add(test::to_bytes(get));
    add(test::to_bytes("\r\nPOST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\n123456789" + get));
    add(
        test::to_bytes("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n0\r\nT: x\r\n\r\n" +
                       get));
    add(test::TlsHelloBuilder().typical().sni(name).record());
    add(test::TlsHelloBuilder().sni(name).records(20));
    test::Bytes connect = test::to_bytes("CONNECT a.example:443 HTTP/1.1\r\n\r\n");
    test::append(connect, test::TlsHelloBuilder().sni(name).record());
    add(std::move(connect));
  }
  for (const bool listed : {true, false}) {
    all.push_back({hello_with_skipped_records(listed ? "listed.example.com" : "passed.example.com"), listed});
  }
  add_lenient_messages("listed.example.com", true, all);
  add_lenient_messages("passed.example.com", false, all);
  return all;
}

std::vector<std::byte> make_snapshot() {
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                 {{.name = "list"}});
  rules::EntryParser parser;
  auto rule = parser.parse("listed.example.com");
  if (!rule) throw std::logic_error(rule.error().message);
  rule.value().id = {1};
  builder.add(rule.value());
  return builder.build();
}

const match::SnapshotView& snapshot() {
  static const std::vector<std::byte> bytes = make_snapshot();
  static const match::SnapshotView view = match::SnapshotView::open(bytes).value();
  return view;
}

struct Order {
  std::size_t offset;
  std::size_t bytes;
  unsigned how;
};

/// The inspector between the client and the server. Made once, because it allocates its memory then; its
/// state has expired when the next connection begins.
struct Filter {
  base::Counters counters;
  inspect::Inspector inspector{{.flow_capacity = 16,
                                .reassembly_bytes = 0,
                                .quic_connections = 16,
                                .h2c_connections = 1,
                                .fragment_memory_bytes = 0},
                               counters};
  std::chrono::nanoseconds now{0};
};

Filter& filter() {
  static Filter the_filter;
  return the_filter;
}

/// The client, the inspector and the server.
class Connection {
 public:
  explicit Connection(const Message& message) : message_(message) {
    filter().now += std::chrono::hours(1);
    server_.resize(message.bytes.size());
    send(test::PacketBuilder(packet()).seq(kFirst - 1).flags("S"));
  }

  void send_segment(const Order& order) {
    const std::size_t size = message_.bytes.size();
    const std::size_t begin = order.offset % size;
    const std::size_t end = std::min(size, begin + 1 + order.bytes);
    test::Bytes piece(message_.bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                      message_.bytes.begin() + static_cast<std::ptrdiff_t>(end));
    // A single different byte may be a keep-alive probe.
    const bool decoy = (order.how & kDecoy) != 0 && piece.size() > 1;
    if (decoy) piece[order.how / 64 % piece.size()] ^= std::byte{0x01};
    const bool wrong_checksum = (order.how & kWrongChecksum) != 0;
    auto built = packet().seq(kFirst + static_cast<std::uint32_t>(begin)).ack(1).flags("PA").payload(piece);
    if ((order.how & kReset) != 0) send(packet().seq(kFirst + static_cast<std::uint32_t>(begin)).flags("R"));
    if ((order.how & kSyn) != 0) send(packet().seq(kFirst + syn_offset_of(order)).flags("S"));
    if (wrong_checksum) built.checksum(0x0001);
    as_it_is_ = as_it_is_ && !decoy && (order.how & kSyn) == 0;
    const bool forwarded = send(built);
    require(forwarded || message_.listed || !as_it_is_, "an unlisted message passes");
    if (!forwarded || wrong_checksum || (order.how & kDies) != 0) return;
    for (std::size_t i = begin; i < end; ++i) {
      if (!server_[i]) server_[i] = piece[i - begin];
    }
  }
  [[nodiscard]] bool server_has_all() const {
    for (std::size_t i = 0; i < server_.size(); ++i) {
      if (server_[i] != message_.bytes[i]) return false;
    }
    return true;
  }

 private:
  // Close by, or up to 2 GiB ahead or before.
  static std::uint32_t syn_offset_of(const Order& order) {
    const auto offset = static_cast<std::uint32_t>(order.offset);
    return (order.how & kFar) != 0 ? offset << 16 : offset - 64;
  }
  [[nodiscard]] static test::PacketBuilder packet() {
    return test::PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").tcp(40000, 8080);
  }
  bool send(const test::PacketBuilder& built) {
    const test::Bytes frame = built.build();
    filter().now += std::chrono::milliseconds(200);  // all of them well within what is remembered
    const auto verdict = filter().inspector.inspect(proto::parse_packet(frame, proto::LinkType::ethernet),
                                                    inspect::Direction::from_subscriber, filter().now,
                                                    &snapshot(), base::Enforcement::enforce);
    return verdict.action == inspect::Action::forward;
  }

  const Message& message_;
  std::vector<std::optional<std::byte>> server_;
  bool as_it_is_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kOrderBytes = 4;
  constexpr std::size_t kMaxOrders = 200;
  if (size == 0) return 0;
  static const std::vector<Message> messages = make_messages();
  const Message& message = messages[data[0] % messages.size()];
  Connection connection(message);
  std::size_t orders = 0;
  for (std::size_t i = 1; i + kOrderBytes <= size && orders < kMaxOrders; i += kOrderBytes, ++orders) {
    connection.send_segment({.offset = static_cast<std::size_t>(data[i]) << 8 | data[i + 1],
                             .bytes = data[i + 2],
                             .how = data[i + 3]});
  }
  require(!message.listed || !connection.server_has_all(),
          "a server never has the whole of a listed message");
  return 0;
}
