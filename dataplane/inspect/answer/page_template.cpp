#include "dataplane/inspect/answer/page_template.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace weir::inspect {
namespace {

constexpr std::string_view kNeutralPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Access blocked</title>
<style>body{font:1rem/1.5 sans-serif;max-width:40rem;margin:10vh auto;padding:0 1rem}dt{font-weight:bold}dd{margin:0 0 1em}</style>
</head>
<body>
<h1>Access to this page is blocked</h1>
<dl>
<dt>Who blocks it</dt><dd>{{operator}}</dd>
<dt>Why</dt><dd>{{reason}}</dd>
<dt>How to object</dt><dd>{{contact}}</dd>
</dl>
</body>
</html>
)";

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

std::size_t line_of(std::string_view page, std::size_t position) {
  const auto before = page.substr(0, position);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

base::Error invalid(std::string_view name, std::size_t line, std::string_view message) {
  return {.code = "block_page_invalid", .message = fmt::format("{}:{}: {}", name, line, message)};
}

// Bytes of the character that `text` begins with (RFC 3629, 4); 0: none does.
std::size_t character_bytes(std::string_view text) {
  const auto octet = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = octet(0);
  if (first < 0x80) return 1;
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint8_t second = octet(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : bytes;
}

// Where the first byte stands that a page of text cannot have.
std::optional<std::size_t> first_bad_byte(std::string_view page) {
  for (std::size_t i = 0; i < page.size();) {
    const auto byte = static_cast<std::uint8_t>(page[i]);
    const bool blank = byte == '\t' || byte == '\r' || byte == '\n';
    const std::size_t bytes = character_bytes(page.substr(i));
    if (bytes == 0 || (byte < 0x20 && !blank) || byte == 0x7f) return i;
    i += bytes;
  }
  return std::nullopt;
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

const std::string* text_of(std::string_view variable, const PageTexts& texts) {
  if (variable == "operator") return &texts.operator_name;
  if (variable == "reason") return &texts.reason;
  if (variable == "contact") return &texts.contact;
  return nullptr;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string text_or(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

}  // namespace

base::Result<std::string> fill_page(std::string_view page, const PageTexts& texts, std::string_view name) {
  if (const auto bad = first_bad_byte(page)) {
    return invalid(name, line_of(page, *bad),
                   fmt::format("byte 0x{:02x} is no text, expected UTF-8 without control characters",
                               static_cast<std::uint8_t>(page[*bad])));
  }
  std::string filled;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = page.find(kOpen, at);
    if (open == std::string_view::npos) break;
    filled += page.substr(at, open - at);
    const std::size_t line = line_of(page, open);
    const std::size_t close = page.find(kClose, open);
    if (close == std::string_view::npos) return invalid(name, line, "'{{' without '}}' behind it");
    const std::size_t begin = open + kOpen.size();
    const std::string_view variable = trimmed(page.substr(begin, close - begin));
    const std::string* text = text_of(variable, texts);
    if (text == nullptr) {
      return invalid(name, line,
                     fmt::format("unknown variable '{}', expected operator, reason or contact (no page may "
                                 "carry the blocked address)",
                                 variable.substr(0, 40)));
    }
    if (text->empty()) {
      return invalid(name, line,
                     fmt::format("the page shows '{0}', and dataplane.block.http.{0} is not set", variable));
    }
    filled += escaped(*text);
    at = close + kClose.size();
  }
  filled += page.substr(at);
  return filled;
}

std::string neutral_page(const PageTexts& texts) {
  const PageTexts all{
      .operator_name = text_or(texts.operator_name, "The operator of this network."),
      .reason = text_or(texts.reason, "Its address is on a list of addresses that are blocked here."),
      .contact = text_or(texts.contact, "Ask the operator of this network.")};
  return fill_page(kNeutralPage, all, "built-in page").value();
}

}  // namespace weir::inspect
