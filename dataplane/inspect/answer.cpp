#include "inspect/answer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "proto/tcp_reply.h"

namespace weir::inspect {
namespace {

constexpr std::string_view kNeutralPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Access blocked</title>
<style>body{font:1rem/1.5 sans-serif;max-width:40rem;margin:10vh auto;padding:0 1rem}</style>
</head>
<body>
<h1>Access to this page is blocked</h1>
<p>Its address is on a list of addresses that are blocked on this network.</p>
<p>Your network's operator can tell you whose list it is, why an address is on it and how to object.</p>
</body>
</html>
)";

/// unrecognized_name (RFC 6066, 3) is what a server says about a name that it does not serve: clients stop at
/// once and show an error about the name. access_denied would fit by its words, but browsers report it as a
/// refused client certificate. The record version is the one that every TLS 1.2 and 1.3 server uses.
constexpr std::array<std::byte, 7> kTlsAlert{std::byte{21},  // alert
                                             std::byte{3},  std::byte{3}, std::byte{0},
                                             std::byte{2},  std::byte{2},  // fatal
                                             std::byte{112}};              // unrecognized_name

std::string_view status_text(unsigned status) {
  switch (status) {
    case 302:
      return "302 Found";
    case 403:
      return "403 Forbidden";
    default:
      return "451 Unavailable For Legal Reasons";
  }
}

/// Only what RFC 3986 lets stand in a URI: nothing that could end the header line, the link or a quote.
bool is_uri_text(std::string_view text) {
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%") ==
         std::string_view::npos;
}

bool has_scheme(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string_view::npos && colon > 0 && uri.find_first_of("/?#[]@%") > colon;
}

base::Error invalid(std::string message) {
  return {.code = "block_page_invalid", .message = std::move(message)};
}

}  // namespace

base::Result<BlockPage> BlockPage::make(const Settings& settings) {
  if (settings.status != 451 && settings.status != 403 && settings.status != 302) {
    return invalid(fmt::format("block page: status {}: expected 451, 403 or 302", settings.status));
  }
  const bool is_redirect = settings.status == 302;
  if (is_redirect && !settings.redirect.starts_with("http://") &&
      !settings.redirect.starts_with("https://")) {
    return invalid("block page: status 302 needs a redirect that begins with http:// or https://");
  }
  if (!is_redirect && !settings.redirect.empty()) {
    return invalid(fmt::format("block page: a redirect needs status 302, not {}", settings.status));
  }
  if (!is_uri_text(settings.redirect)) {
    return invalid("block page: redirect: has a character that no URL may have unescaped");
  }
  if (!settings.blocked_by.empty() &&
      (!is_uri_text(settings.blocked_by) || !has_scheme(settings.blocked_by))) {
    return invalid(
        "block page: blocked_by: expected an absolute URI such as https://operator.example/, without blanks");
  }
  const std::string_view body = settings.body.empty() ? kNeutralPage : std::string_view{settings.body};
  std::string text = fmt::format("HTTP/1.1 {}\r\n", status_text(settings.status));
  if (is_redirect) text += fmt::format("Location: {}\r\n", settings.redirect);
  if (settings.status == 451 && !settings.blocked_by.empty()) {
    text += fmt::format("Link: <{}>; rel=\"blocked-by\"\r\n", settings.blocked_by);
  }
  text += fmt::format(
      "Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "Connection: close\r\n\r\n",
      body.size());
  BlockPage page;
  page.header_bytes_ = text.size();
  text += body;
  if (text.size() > kMaxResponseBytes) {
    return invalid(fmt::format(
        "block page: {} bytes with its headers, at most {} can be sent at once: shorten the page, or "
        "let status 302 lead to a larger one",
        text.size(), kMaxResponseBytes));
  }
  const auto bytes = std::as_bytes(std::span(text));
  page.full_.assign(bytes.begin(), bytes.end());
  return page;
}

std::span<const std::byte> BlockPage::response(bool head_request) const noexcept {
  return std::span(full_).first(head_request ? header_bytes_ : full_.size());
}

AnswerFrames::AnswerFrames(const proto::PacketView& packet, const Verdict& verdict,
                           const BlockPage& page) noexcept
    : packet_(verdict.reassembled != nullptr ? *verdict.reassembled : packet),
      verdict_(verdict),
      client_done_(verdict.answer == AnswerKind::none),
      server_done_(!verdict.reset_server) {
  if (verdict.answer == AnswerKind::http_page) body_ = page.response(verdict.head_request);
  if (verdict.answer == AnswerKind::tls_alert) body_ = kTlsAlert;
}

std::size_t AnswerFrames::next(std::span<std::byte> out, base::Towards& towards) noexcept {
  if (out.size() < kAnswerFrameBytes) return 0;
  while (!client_done_) {
    // A frame whose link header leaves no room is left out; the loop still ends.
    const std::size_t bytes = proto::build_tcp_reply(packet_, next_to_client(), out);
    towards = base::Towards::client;
    if (bytes != 0) return bytes;
  }
  if (server_done_) return 0;
  server_done_ = true;
  towards = base::Towards::server;
  return proto::build_tcp_reply(packet_,
                                {.towards = base::Towards::server,
                                 .sequence = verdict_.server_next,
                                 .acknowledgement = client_receives_next(),
                                 .flags = proto::kTcpRst | proto::kTcpAck,
                                 .payload = {}},
                                out);
}

std::uint32_t AnswerFrames::client_receives_next() const noexcept {
  return (packet_.tcp.flags & proto::kTcpAck) != 0 ? packet_.tcp.acknowledgement : 0;
}

proto::TcpReply AnswerFrames::next_to_client() noexcept {
  proto::TcpReply reply{.towards = base::Towards::client,
                        .sequence = client_receives_next() + static_cast<std::uint32_t>(sent_bytes_),
                        .acknowledgement = verdict_.client_end,
                        .flags = proto::kTcpAck,
                        .payload = {}};
  if (verdict_.answer == AnswerKind::reset) reply.flags |= proto::kTcpRst;
  reply.payload = body_.subspan(sent_bytes_, std::min(kAnswerSegmentBytes, body_.size() - sent_bytes_));
  sent_bytes_ += reply.payload.size();
  client_done_ = sent_bytes_ == body_.size();
  if (client_done_ && !body_.empty()) reply.flags |= proto::kTcpPsh | proto::kTcpFin;
  return reply;
}

}  // namespace weir::inspect
