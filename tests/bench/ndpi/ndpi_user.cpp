#include "tests/bench/ndpi/ndpi_user.h"

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

#include <ndpi_api.h>
#include <xxhash.h>

namespace weir::bench {
namespace {

// The limits of ndpiReader.
constexpr std::uint32_t kMaxTcpPackets = 80;
constexpr std::uint32_t kMaxUdpPackets = 24;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

struct Key {
  std::array<std::byte, 16> low_address{};
  std::array<std::byte, 16> high_address{};
  std::uint16_t low_port = 0;
  std::uint16_t high_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t version = 0;
  std::uint16_t unused = 0;  // no padding: keys are hashed and compared as bytes
};
static_assert(sizeof(Key) == 40);

struct Headers {
  Key key;
  std::span<const std::byte> ip;
};

struct Flow {
  Key key{};
  ndpi_flow_struct* detection = nullptr;
  std::uint32_t packets = 0;
  bool used = false;
  bool decided = false;
};

std::uint16_t big_endian_16(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

std::span<const std::byte> ip_packet(std::span<const std::byte> frame, proto::LinkType link) {
  std::size_t offset = 0;
  if (link == proto::LinkType::ethernet) {
    constexpr std::uint16_t kVlan = 0x8100;
    constexpr std::uint16_t kServiceVlan = 0x88a8;
    offset = 14;
    while (frame.size() >= offset + 4) {
      const std::uint16_t type = big_endian_16(frame, offset - 2);
      if (type != kVlan && type != kServiceVlan) break;
      offset += 4;
    }
  } else if (link == proto::LinkType::linux_sll) {
    offset = 16;
  } else if (link == proto::LinkType::linux_sll2) {
    offset = 20;
  } else if (link == proto::LinkType::loopback) {
    offset = 4;
  }
  return frame.subspan(std::min(offset, frame.size()));
}

// Only what a flow's key needs: the library parses the headers itself.
std::optional<Headers> headers_of(std::span<const std::byte> frame, proto::LinkType link) {
  Headers headers{.key = {}, .ip = ip_packet(frame, link)};
  const auto ip = headers.ip;
  if (ip.size() < 20) return std::nullopt;
  Key& key = headers.key;
  key.version = static_cast<std::uint8_t>(std::to_integer<unsigned>(ip[0]) >> 4);
  std::size_t address = 12;
  std::size_t address_bytes = 4;
  std::size_t transport = (std::to_integer<std::size_t>(ip[0]) & 0xf) * 4;
  if (key.version == 4) {
    key.protocol = std::to_integer<std::uint8_t>(ip[9]);
  } else if (key.version == 6 && ip.size() >= 40) {
    address = 8;
    address_bytes = 16;
    transport = 40;
    key.protocol = std::to_integer<std::uint8_t>(ip[6]);
  } else {
    return std::nullopt;
  }
  if ((key.protocol != kTcp && key.protocol != kUdp) || ip.size() < transport + 8) return std::nullopt;
  const std::byte* source = ip.data() + address;
  const std::byte* destination = source + address_bytes;
  const std::uint16_t source_port = big_endian_16(ip, transport);
  const std::uint16_t destination_port = big_endian_16(ip, transport + 2);
  const int order = std::memcmp(source, destination, address_bytes);
  const bool source_first = order < 0 || (order == 0 && source_port < destination_port);
  std::memcpy(key.low_address.data(), source_first ? source : destination, address_bytes);
  std::memcpy(key.high_address.data(), source_first ? destination : source, address_bytes);
  key.low_port = source_first ? source_port : destination_port;
  key.high_port = source_first ? destination_port : source_port;
  return headers;
}

}  // namespace

struct NdpiUser::State {
  ndpi_detection_module_struct* module = nullptr;
  std::vector<Flow> table;  // open addressing
  std::vector<std::uint32_t> used;
  std::vector<ndpi_flow_struct*> free;  // the library's flows, cleared, so that a new flow allocates nothing
  std::vector<ndpi_flow_struct*> all;
  std::size_t flow_bytes = ndpi_detection_get_sizeof_ndpi_flow_struct();
  Decided decided{};

  Flow& flow_of(const Key& key) {
    std::size_t place = XXH3_64bits(&key, sizeof key) & (table.size() - 1);
    while (table[place].used && std::memcmp(&table[place].key, &key, sizeof key) != 0) {
      place = (place + 1) & (table.size() - 1);
    }
    Flow& flow = table[place];
    if (flow.used) return flow;
    if (used.size() == free.capacity()) throw std::runtime_error("more flows than there is room for");
    used.push_back(static_cast<std::uint32_t>(place));
    flow = {.key = key, .detection = free.back(), .packets = 0, .used = true, .decided = false};
    free.pop_back();
    return flow;
  }

  void detect(Flow& flow, const Headers& headers, std::chrono::milliseconds now) {
    const ndpi_protocol protocol = ndpi_detection_process_packet(
        module, flow.detection, reinterpret_cast<const unsigned char*>(headers.ip.data()),
        static_cast<unsigned short>(headers.ip.size()), static_cast<std::uint64_t>(now.count()));
    ++flow.packets;
    if (flow.decided) return;
    const bool enough = flow.packets > (headers.key.protocol == kTcp ? kMaxTcpPackets : kMaxUdpPackets);
    const bool known = protocol.app_protocol != NDPI_PROTOCOL_UNKNOWN;
    if (!enough && (!known || ndpi_extra_dissection_possible(module, flow.detection) != 0)) return;
    if (!known) {
      std::uint8_t guessed = 0;
      ndpi_detection_giveup(module, flow.detection, 0, &guessed);
    }
    flow.decided = true;
  }
};

NdpiUser::NdpiUser(std::size_t flow_capacity, Decided decided) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.decided = decided;
  state.module = ndpi_init_detection_module(ndpi_no_prefs);
  if (state.module == nullptr) throw std::runtime_error("libndpi cannot be set up");
  NDPI_PROTOCOL_BITMASK wanted{};
  // The same as NDPI_BITMASK_ADD, whose casts are not allowed here.
  for (const std::uint32_t protocol : {NDPI_PROTOCOL_HTTP, NDPI_PROTOCOL_TLS, NDPI_PROTOCOL_QUIC}) {
    wanted.fds_bits[protocol / NDPI_BITS] |= 1U << (protocol % NDPI_BITS);
  }
  ndpi_set_protocol_detection_bitmask2(state.module, &wanted);
  ndpi_finalize_initialization(state.module);
  state.table.resize(std::bit_ceil(2 * flow_capacity));
  state.used.reserve(flow_capacity);
  state.free.reserve(flow_capacity);
  for (std::size_t i = 0; i < flow_capacity; ++i) {
    state.free.push_back(static_cast<ndpi_flow_struct*>(ndpi_flow_malloc(state.flow_bytes)));
    std::memset(static_cast<void*>(state.free.back()), 0, state.flow_bytes);
  }
  state.all = state.free;
}

NdpiUser::~NdpiUser() {
  clear();
  for (ndpi_flow_struct* flow : state_->all) ndpi_flow_free(flow);
  ndpi_exit_detection_module(state_->module);
}

void NdpiUser::process(std::span<const std::byte> frame, proto::LinkType link,
                       std::chrono::milliseconds now) {
  const auto headers = headers_of(frame, link);
  if (!headers) return;
  Flow& flow = state_->flow_of(headers->key);
  if (!flow.decided || state_->decided == Decided::process) state_->detect(flow, *headers, now);
}

void NdpiUser::clear() {
  for (const std::uint32_t place : state_->used) {
    Flow& flow = state_->table[place];
    ndpi_free_flow_data(flow.detection);
    std::memset(static_cast<void*>(flow.detection), 0, state_->flow_bytes);
    state_->free.push_back(flow.detection);
    flow = {};
  }
  state_->used.clear();
}

NdpiUser::Totals NdpiUser::totals() const {
  Totals totals{.flows = state_->used.size()};
  for (const std::uint32_t place : state_->used) {
    const Flow& flow = state_->table[place];
    const auto& stack = flow.detection->detected_protocol_stack;
    const auto is = [&stack](std::uint16_t id) { return stack[0] == id || stack[1] == id; };
    totals.decided += flow.decided ? 1 : 0;
    totals.http += is(NDPI_PROTOCOL_HTTP) ? 1 : 0;
    totals.tls += is(NDPI_PROTOCOL_TLS) ? 1 : 0;
    totals.quic += is(NDPI_PROTOCOL_QUIC) ? 1 : 0;
    totals.named += flow.detection->host_server_name[0] != '\0' ? 1 : 0;
  }
  return totals;
}

}  // namespace weir::bench
