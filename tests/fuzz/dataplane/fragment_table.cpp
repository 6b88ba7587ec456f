#include "dataplane/flow/fragment_table.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/support/require.h"

// The input is a sequence of fragments: choices (family, which packet, more to come, time passes), offset in
// units, size, fill and what it shows of its start. The result for each is compared with a model that keeps
// every fragment.
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
  bool harmless = false;
  std::chrono::nanoseconds last_seen{0};
};

bool clash(const Piece& a, const Piece& b) {
  const bool overlap = a.offset < b.end() && b.offset < a.end();
  return overlap || (!a.more && b.end() > a.end()) || (!b.more && a.end() > b.end()) || (!a.more && !b.more);
}

/// The content of `pieces`, which do not overlap, when they leave no hole.
std::vector<std::byte> joined(std::vector<Piece> pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
  std::vector<std::byte> all;
  for (const Piece& piece : pieces) {
    if (piece.offset != all.size()) return {};
    all.insert(all.end(), piece.content.begin(), piece.content.end());
  }
  return pieces.empty() || pieces.back().more ? std::vector<std::byte>{} : all;
}

/// `pieces` with `piece` in place of those that it contradicts.
std::vector<Piece> replaced(const std::vector<Piece>& pieces, const Piece& piece) {
  std::vector<Piece> result;
  const auto keep = [&](const Piece& old, std::size_t from, std::size_t to) {
    if (from >= to) return;
    const auto at = [&](std::size_t offset) {
      return old.content.begin() + static_cast<std::ptrdiff_t>(offset - old.offset);
    };
    result.push_back({.offset = from, .content = {at(from), at(to)}, .more = old.more || to < old.end()});
  };
  for (Piece old : pieces) {
    if (!old.more && piece.end() >= old.end()) {  // it is not the last one any more
      old.more = true;
      old.content.resize(old.content.size() / 8 * 8);
    }
    keep(old, old.offset, std::min(old.end(), std::max(old.offset, piece.offset)));
    if (piece.more) keep(old, std::max(old.offset, piece.end()), std::max(old.end(), piece.end()));
  }
  result.push_back(piece);
  return result;
}

/// The right result for `piece`. Updates the model.
FragmentFate expected(std::map<unsigned, Packet>& packets, unsigned id, bool v6, Piece piece,
                      flow::FragmentStart start, std::chrono::nanoseconds now) {
  if (piece.more && piece.content.size() % 8 != 0) {
    if (v6) return FragmentFate::untracked;
    piece.content.resize(piece.content.size() / 8 * 8);
  }
  if (piece.content.empty() || piece.end() > (v6 ? 65535U : 65515U)) return FragmentFate::untracked;
  Packet& packet = packets[id];
  const auto lifetime = v6 ? flow::FragmentTable::kIpv6Lifetime : flow::FragmentTable::kIpv4Lifetime;
  if (!packet.pieces.empty() && now - packet.last_seen >= lifetime) packet = {};
  if (packet.state == State::blocked) return FragmentFate::blocked;
  if (packet.state == State::spoiled) return FragmentFate::overlap;
  const bool first = piece.offset == 0;
  const bool copy = std::find(packet.pieces.begin(), packet.pieces.end(), piece) != packet.pieces.end();
  const bool conflict = !copy && std::any_of(packet.pieces.begin(), packet.pieces.end(),
                                             [&](const Piece& p) { return clash(p, piece); });
  if (conflict && (!packet.harmless || start == flow::FragmentStart::telling)) {
    if (packet.state == State::open) packet.state = State::spoiled;
    return FragmentFate::overlap;
  }
  packet.last_seen = now;
  if (copy) return FragmentFate::duplicate;
  if (first) packet.harmless = start == flow::FragmentStart::harmless;
  if (conflict) {
    packet.pieces = replaced(packet.pieces, piece);
    packet.state = joined(packet.pieces).empty() ? State::open : State::passed;
    return FragmentFate::replaced;
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
    if ((choices & 0x80U) != 0) now += std::chrono::seconds(12);
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

    const auto start = piece.offset == 0   ? static_cast<flow::FragmentStart>(1 + (data[step + 4] >> 2 & 1U))
                       : piece.offset < 16 ? flow::FragmentStart::telling
                                           : flow::FragmentStart::elsewhere;
    const auto result = table.add(view, start, now, out);
    require(result.fate == expected(packets, id, v6, piece, start, now), "the table and the model agree");
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
