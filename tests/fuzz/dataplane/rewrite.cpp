#include "dataplane/proto/routing/rewrite.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/proto/routing/icmp.h"
#include "dataplane/proto/routing/neighbour.h"
#include "tests/support/frame_check.h"
#include "tests/support/require.h"

// The input is an Ethernet frame as a router receives it. Checks its reading as a neighbour message, its
// rewriting, and the answers to it.
namespace {

using namespace weir::proto;
using weir::base::ParseStatus;
using weir::fuzz::require;

constexpr std::size_t kLinkBytes = 14;
constexpr MacAddress kOurs{std::byte{2}, std::byte{0}, std::byte{0},
                           std::byte{0}, std::byte{0}, std::byte{1}};

void check_neighbour(std::span<const std::byte> frame) {
  const NeighbourParse parse = parse_neighbour(frame);
  require(parse.status != ParseStatus::need_more, "a frame is all there is");
  if (parse.status != ParseStatus::found) return;
  const NeighbourMessage& message = parse.message;
  require(message.wanted.has_value() || message.known.has_value(), "a message says something");
  require(!message.known || is_unicast(message.mac), "an address is that of one station");
  require(is_unicast(message.asker_mac), "so is that of who asks");
  std::vector<std::byte> out(kMaxNeighbourFrameBytes);
  out.resize(build_neighbour_answer(message, kOurs, out));
  require(out.empty() == !message.wanted.has_value(), "what is asked is answered");
  if (out.empty()) return;
  const NeighbourParse answer = parse_neighbour(out);
  require(answer.status == ParseStatus::found, "an answer is read by its like");
  require(answer.message.known == message.wanted, "and says what was asked");
}

void check_answer(std::span<const std::byte> frame, std::span<const std::byte> answer) {
  require(std::equal(frame.begin(), frame.begin() + 6, answer.begin() + 6),
          "an answer goes back to its station");
  require(std::equal(frame.begin() + 6, frame.begin() + 12, answer.begin()), "from where the packet went");
  const std::string error = weir::test::checksum_error(answer, kLinkBytes);
  require(error.empty(), error.c_str());
}

void check_rewrite(std::span<const std::byte> frame) {
  const ForwardView view = read_forward_view(frame);
  std::vector<std::byte> on(frame.begin(), frame.end());
  if (view.status == ForwardStatus::routable) {
    require(rewrite_for_next_hop(on, kOurs, kOurs), "what is routable goes on");
    const ForwardView next = read_forward_view(on);
    require(next.status == ForwardStatus::routable || next.status == ForwardStatus::expired,
            "and is a packet still");
    require(next.source == view.source && next.destination == view.destination, "of the same two ends");
    require(next.packet_bytes == view.packet_bytes && on.size() == frame.size(), "and as long");
  }
  std::vector<std::byte> out(kLinkBytes + kMaxIcmpv6ErrorBytes);
  IpAddress from = view.destination;
  from.is_v6 = view.source.is_v6;
  out.resize(build_icmp_error(frame, {.reason = IcmpReason::too_big, .from = from, .mtu = 1400}, out));
  if (!out.empty()) {
    require(view.status == ForwardStatus::routable || view.status == ForwardStatus::expired,
            "only packets are answered");
    check_answer(frame, out);
    std::vector<std::byte> again(kLinkBytes + kMaxIcmpv6ErrorBytes);
    require(build_icmp_error(out, {.reason = IcmpReason::unreachable, .from = from, .mtu = 0}, again) == 0,
            "errors are not");
  }
  std::vector<std::byte> echo(frame.size());
  echo.resize(build_echo_reply(frame, echo));
  if (!echo.empty()) {
    check_answer(frame, echo);
    std::vector<std::byte> again(echo.size());
    require(build_echo_reply(echo, again) == 0, "an answer is not answered");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = weir::fuzz::as_input(data, size);
  check_neighbour(frame);
  check_rewrite(frame);
  return 0;
}
