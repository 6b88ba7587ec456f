#include "config/problems.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir::config {
namespace {

constexpr std::size_t kMostProblems = 100;
constexpr std::size_t kQuotedBytes = 64;

// Levenshtein distance: the number of letters to change, add or remove.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void Problems::add(std::size_t line, std::string_view key, std::string_view wrong,
                   std::string_view expected) {
  if (full()) return;
  keys_.emplace(key);
  problems_.push_back(
      {.line = line, .text = fmt::format("{}:{}: {}: {}, expected {}", file_, line, key, wrong, expected)});
}

bool Problems::full() const noexcept { return problems_.size() >= kMostProblems; }

base::Error Problems::error() const {
  auto sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  std::string message;
  for (const Problem& problem : sorted) {
    if (!message.empty()) message += '\n';
    message += problem.text;
  }
  if (full()) message += fmt::format("\n{}:1: only the first {} problems are shown", file_, kMostProblems);
  return {"config_invalid", std::move(message)};
}

std::string quoted_text(std::string_view text) {
  std::string result = "'";
  for (const char c : text.substr(0, kQuotedBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result + (text.size() > kQuotedBytes ? "...'" : "'");
}

std::string_view closest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // longer than any key; limits the work
  if (word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weir::config
