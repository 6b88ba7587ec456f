#include "dataplane/inspect/block_page/page_template.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "dataplane/base/byte_set.h"

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

/// A variable of a page, and the sentence that the built-in page shows if the operator has not set its text.
struct Variable {
  std::string_view name;
  std::string_view neutral;
};
constexpr std::array kVariables{
    Variable{.name = "operator", .neutral = "The operator of this network."},
    Variable{.name = "reason", .neutral = "Its address is on a list of addresses that are blocked here."},
    Variable{.name = "contact", .neutral = "Ask the operator of this network."},
};

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

std::size_t line_of(std::string_view page, std::size_t position) {
  const auto before = page.substr(0, position);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

base::Error invalid(std::string_view name, std::size_t line, std::string_view message) {
  return {.code = "block_page_invalid", .message = fmt::format("{}:{}: {}", name, line, message)};
}

// Length of the UTF-8 character that `text` begins with (RFC 3629, 4); 0: not UTF-8.
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

// Position of the first byte that a page of text cannot have.
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

std::string_view text_of(std::string_view variable, const PageTexts& texts) {
  const auto row = std::find_if(texts.begin(), texts.end(),
                                [variable](const PageText& each) { return each.name == variable; });
  return row == texts.end() ? std::string_view{} : row->text;
}

bool is_variable(std::string_view name) {
  return std::any_of(kVariables.begin(), kVariables.end(),
                     [name](const Variable& each) { return each.name == name; });
}

// "operator, reason or contact"
std::string variable_names() {
  std::string names;
  for (std::size_t i = 0; i < kVariables.size(); ++i) {
    if (i != 0) names += i + 1 == kVariables.size() ? " or " : ", ";
    names += kVariables[i].name;
  }
  return names;
}

constexpr base::ByteSet kBlanks = base::bytes_of(" \t\r\n");

}  // namespace

base::Result<std::string> fill_page(std::string_view page, const PageTexts& texts, std::string_view name) {
  if (const auto bad = first_bad_byte(page)) {
    return invalid(name, line_of(page, *bad),
                   fmt::format("byte 0x{:02x} is not text: expected UTF-8 without control characters",
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
    if (close == std::string_view::npos) return invalid(name, line, "'{{' without '}}' after it");
    const std::size_t begin = open + kOpen.size();
    const std::string_view variable = base::trim(page.substr(begin, close - begin), kBlanks);
    if (!is_variable(variable)) {
      return invalid(name, line,
                     fmt::format("unknown variable '{}': expected {} (no page may carry the blocked address)",
                                 variable.substr(0, 40), variable_names()));
    }
    const std::string_view text = text_of(variable, texts);
    if (text.empty()) {
      return invalid(
          name, line,
          fmt::format("the page shows '{0}', but dataplane.block.http.{0} is not set: set it", variable));
    }
    filled += escaped(text);
    at = close + kClose.size();
  }
  filled += page.substr(at);
  return filled;
}

std::string neutral_page(const PageTexts& texts) {
  PageTexts all;
  for (const Variable& variable : kVariables) {
    const std::string_view text = text_of(variable.name, texts);
    all.push_back(
        {.name = std::string(variable.name), .text = std::string(text.empty() ? variable.neutral : text)});
  }
  return fill_page(kNeutralPage, all, "built-in page").value();
}

}  // namespace weir::inspect
