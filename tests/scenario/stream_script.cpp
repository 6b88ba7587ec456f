#include "tests/scenario/stream_script.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {

Script::Script(std::string name) {
  scenario_.name = std::move(name);
  scenario_.rules = {std::string(kListedName)};
}

void Script::connection(const std::string& what, const Bytes& stream, const std::vector<Piece>& pieces,
                        bool listed, const Shown& shown) {
  const std::uint16_t port = new_port();
  add({what + ": SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
  std::size_t sent = 0;  // bytes without a gap
  std::size_t furthest = 0;
  std::vector<bool> there(stream.size());
  for (const Piece& piece : pieces) {
    PacketBuilder packet = client(port).seq(kFirst + static_cast<std::uint32_t>(piece.begin));
    packet.payload(std::span<const std::byte>(stream).subspan(piece.begin, piece.end - piece.begin));
    if (piece.disguise) piece.disguise(packet);
    furthest = std::max(furthest, piece.end);
    Step step{what + ": byte " + std::to_string(piece.begin), packet.build(), "forward_incomplete"};
    if (&piece == &pieces.back()) {
      step.outcome = listed ? "drop_blocked" : "forward_passed";
      if (listed) step.answer = shown.answer;
      step.server_next = kFirst + static_cast<std::uint32_t>(sent);
      step.client_end = kFirst + static_cast<std::uint32_t>(furthest);
    }
    add(std::move(step));
    std::fill(there.begin() + static_cast<std::ptrdiff_t>(piece.begin),
              there.begin() + static_cast<std::ptrdiff_t>(piece.end), true);
    sent = static_cast<std::size_t>(std::find(there.begin(), there.end(), false) - there.begin());
  }
  expect_request(shown_request(listed, shown));
}

void Script::both(const std::string& what, const Around& stream, const Cut& cut, const Shown& shown) {
  for (const bool listed : {true, false}) {
    const Bytes bytes = stream(listed ? kListedName : kUnlistedName);
    connection(what + (listed ? ", listed" : ", unlisted"), bytes, cut(bytes.size()), listed, shown);
  }
}

void Script::exchange(const std::string& what, const std::vector<Sent>& frames, bool syn) {
  const auto port = static_cast<std::uint16_t>(next_port_ - 1);
  if (syn) add({what + ": SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
  for (const Sent& sent : frames) {
    add({.what = what + ": " + sent.what,
         .frame = sent.frame,
         .outcome = sent.outcome,
         .answer = sent.answer,
         .server_next = sent.server_next,
         .client_end = sent.client_end});
    for (const std::string& request : sent.requests) expect_request(request);
  }
}

void Script::expect_request(std::string_view text) {
  scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + ' ' + std::string(text));
}

std::string with_name(std::string text, std::string_view name) {
  for (std::size_t at = 0; (at = text.find('~', at)) != std::string::npos; at += name.size()) {
    text.replace(at, 1, name);
  }
  return text;
}

Around text_around(std::string text) {
  return [text = std::move(text)](std::string_view name) { return test::to_bytes(with_name(text, name)); };
}

Bytes http_around(std::string_view name) { return test::to_bytes(test::http_get(name)); }

Bytes hello_around(std::string_view name) { return test::TlsHelloBuilder().typical().sni(name).record(); }

std::string shown_request(bool listed, const Shown& shown) {
  const std::string_view form = listed || shown.passed_form.empty() ? shown.form : shown.passed_form;
  return std::string(shown.protocol) + (listed ? " block " : " pass ") +
         with_name(std::string(form), listed ? kListedName : kUnlistedName) +
         (listed ? " listed 1" : " no_match") + (shown.ech ? " ech" : "");
}

std::vector<Piece> in_pieces(std::size_t size, std::size_t count, const std::vector<std::size_t>& order) {
  std::vector<Piece> pieces;
  for (const std::size_t i : order) pieces.push_back({size * i / count, size * (i + 1) / count});
  return pieces;
}

Cut ordered(std::vector<std::size_t> order) {
  return [order = std::move(order)](std::size_t size) { return in_pieces(size, order.size(), order); };
}

Cut in_segments(bool backward) {
  return [backward](std::size_t size) {
    constexpr std::size_t kSegment = 1400;
    std::vector<Piece> pieces;
    for (std::size_t from = 0; from < size; from += kSegment) {
      pieces.push_back({from, std::min(from + kSegment, size)});
    }
    if (backward) std::reverse(pieces.begin(), pieces.end());
    return pieces;
  };
}

std::vector<Piece> one_byte_each(std::size_t size) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return in_pieces(size, size, order);
}

std::vector<Piece> whole(std::size_t size) { return {{0, size}}; }

}  // namespace weir::scenario
