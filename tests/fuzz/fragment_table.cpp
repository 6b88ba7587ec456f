#include "flow/fragment_table.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "require.h"

// The input is a sequence of fragments: choices (family, which packet, more to come, a minute passes), offset
// in units, size, fill. What the table says of each is compared with a model that keeps every fragment as it
// is.
namespace {

using namespace weir;
using flow::FragmentFate;
using fuzz::require;

struct Piece {
  std::size_t offset;
  std::vector<std::byte> content;
  bool more;
  bool operator==(const Piece&) const = default;
  [[nodiscard]] std::size_t end() const { return offset + content.size(); }
};

enum class State : std::uint8_t { open, passed, spoiled, blocked };

struct Packet {
  std::vector<Piece> pieces;
  State state = State::open;
  std::chrono::nanoseconds first_seen{0};
};

bool clash(const Piece& a, const Piece& b) {
  const bool overlap = a.offset < b.end() && b.offset < a.end();
  return overlap || (!a.more && b.end() > a.end()) || (!b.more && a.end() > b.end()) || (!a.more && !b.more);
}

/// The content when `pieces`, none of which overlap, leave no hole.
std::vector<std::byte> joined(std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
  std::vector<std::byte> all;
  for (const Piece& piece : pieces) {
    if (piece.offset != all.size()) return {};
    all.insert(all.end(), piece.content.begin(), piece.content.end());
  }
  return pieces.empty() || pieces.back().more ? std::vector<std::byte>{} : all;
}

/// What the table must say of `piece`, and the model's own record of it.
FragmentFate expected(std::map<unsigned, Packet>& packets, unsigned id, bool v6, Piece piece,
                      std::chrono::nanoseconds now) {
  if (piece.more && piece.content.size() % 8 != 0) {
    if (v6) return FragmentFate::untracked;
    piece.content.resize(piece.content.size() / 8 * 8);
  }
  if (piece.content.empty() || piece.end() > (v6 ? 65535U : 65515U)) return FragmentFate::untracked;
  Packet& packet = packets[id];
  if (!packet.pieces.empty() && now - packet.first_seen >= flow::FragmentTable::kLifetime) packet = {};
  if (packet.pieces.empty()) packet.first_seen = now;
  if (packet.state == State::blocked) return FragmentFate::blocked;
  if (packet.state == State::spoiled) return FragmentFate::overlap;
  if (std::find(packet.pieces.begin(), packet.pieces.end(), piece) != packet.pieces.end()) {
    return FragmentFate::duplicate;
  }
  if (std::any_of(packet.pieces.begin(), packet.pieces.end(),
                  [&](const Piece& p) { return clash(p, piece); })) {
    if (packet.state == State::open) packet.state = State::spoiled;
    return FragmentFate::overlap;
  }
  packet.pieces.push_back(std::move(piece));
  if (joined(packet.pieces).empty()) return FragmentFate::kept;
  packet.state = State::passed;
  return FragmentFate::complete;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kStepBytes = 5;
  constexpr std::size_t kIpBytes[] = {20, 40};
  flow::FragmentTable table(0);
  std::vector<std::byte> out(flow::FragmentTable::kBufferBytes);
  std::map<unsigned, Packet> packets;
  std::chrono::nanoseconds now{0};
  for (std::size_t step = 0; step + kStepBytes <= size; step += kStepBytes) {
    const std::uint8_t choices = data[step];
    const bool v6 = (choices & 1U) != 0;
    if ((choices & 0x80U) != 0) now += std::chrono::seconds(20);
    Piece piece{.offset = (data[step + 1] | (choices & 0x60U) << 3) * std::size_t{8},
                .content = std::vector<std::byte>(data[step + 2] + (data[step + 3] & 15U) * std::size_t{256}),
                .more = (choices & 2U) != 0};
    for (std::size_t i = 0; i < piece.content.size(); ++i) {
      piece.content[i] = static_cast<std::byte>(piece.offset + i + data[step + 4] % 2U);
    }
    const unsigned id = choices & 0x0dU;
    std::vector<std::byte> frame(kIpBytes[v6 ? 1 : 0]);
    frame.insert(frame.end(), piece.content.begin(), piece.content.end());
    proto::PacketView view;
    view.packet_class = proto::PacketClass::fragment;
    view.frame = frame;
    view.link = proto::LinkType::raw_ip;
    view.payload = std::span(frame).subspan(kIpBytes[v6 ? 1 : 0]);
    view.source.is_v6 = view.destination.is_v6 = v6;
    view.ip_protocol = 17;
    view.fragment = {
        .identification = id, .offset = static_cast<std::uint16_t>(piece.offset), .more = piece.more};

    const auto result = table.add(view, now, out);
    require(result.fate == expected(packets, id, v6, piece, now), "the table and the model agree");
    if (result.fate != FragmentFate::complete) continue;
    const auto whole = joined(packets[id].pieces);
    require(result.ip_offset == 0 && result.frame.size() == kIpBytes[v6 ? 1 : 0] + whole.size(), "its size");
    require(std::equal(whole.begin(), whole.end(),
                       result.frame.end() - static_cast<std::ptrdiff_t>(whole.size())),
            "the content is that of the fragments");
    if ((data[step + 4] & 2U) == 0) continue;
    table.block(result.packet);
    packets[id].state = State::blocked;
  }
  return 0;
}
