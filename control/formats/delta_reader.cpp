#include "control/formats/delta_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control/formats/block_source.h"
#include "control/formats/json_reader.h"
#include "dataplane/rules/line_splitter.h"

namespace weir::formats {
namespace {

constexpr std::size_t kMaxTokenLetters = 1024;

/// Changes as lines, for the formats plain and csv.
class DeltaLines {
 public:
  DeltaLines(bool has_comments, rules::EntryParser& parser, const DeltaSink& sink)
      : has_comments_(has_comments),
        added_(parser, sink.added),
        removed_(parser, sink.removed),
        lines_([this](const rules::LineSplitter::Line& line) { take_line(line); }) {}

  base::Status feed(std::string_view block) {
    lines_.feed(block);
    return status();
  }

  base::Result<DeltaFacts> finish() {
    lines_.finish();
    if (error_) return *error_;
    if (state_ != State::ended) {
      return base::Error{
          "parse_truncated",
          fmt::format("line {}: no `end` at the end of the changes: truncated at their source?",
                      std::max<std::size_t>(last_line_, 1))};
    }
    return std::move(facts_);
  }

 private:
  enum class State : std::uint8_t { since, token, changes, ended };

  [[nodiscard]] base::Status status() const {
    if (error_) return *error_;
    return base::ok_status();
  }

  void fail(std::size_t line, std::string_view what) {
    error_ = base::Error{"parse_delta", fmt::format("line {}: {}", line, what)};
  }

  void take_line(const rules::LineSplitter::Line& line) {
    last_line_ = line.number;
    if (error_ || base::trim(line.text, kBlanks).empty() || line.text.front() == '#') return;
    switch (state_) {
      case State::since:
        return take_token(line, "since ", facts_.since.emplace(), State::token);
      case State::token:
        return take_token(line, "token ", facts_.token, State::changes);
      case State::changes:
        return take_change(line);
      case State::ended:
        return fail(line.number, "text after `end`");
    }
  }

  void take_token(const rules::LineSplitter::Line& line, std::string_view word, std::string& token,
                  State next) {
    if (!line.text.starts_with(word)) {
      return fail(line.number, fmt::format("`{}TOKEN` was expected: are these the changes of a list?", word));
    }
    token = line.text.substr(word.size());
    if (!is_token(token)) {
      return fail(line.number, fmt::format("no valid token after `{}`: 1 to {} printable characters", word,
                                           kMaxTokenLetters));
    }
    state_ = next;
  }

  void take_change(const rules::LineSplitter::Line& line) {
    if (line.text == "end") {
      state_ = State::ended;
      return;
    }
    const char sign = line.text.front();
    if (sign != '+' && sign != '-') return fail(line.number, "neither `+ENTRY` nor `-ENTRY` nor `end`");
    EntryTaker& taker = sign == '+' ? added_ : removed_;
    std::string_view entry = line.text.substr(1);
    if (has_comments_) entry = rules::without_comment(entry);
    // What precedes a comment was not cut.
    if (line.is_cut && entry.size() + 1 == line.text.size())
      return taker.refuse(line.number, "the line is too long");
    taker.take(base::trim(entry, kBlanks), line.number);
  }

  const bool has_comments_;
  EntryTaker added_;
  EntryTaker removed_;
  State state_ = State::since;
  DeltaFacts facts_;
  std::size_t last_line_ = 0;
  std::optional<base::Error> error_;
  rules::LineSplitter lines_;
};

base::Result<DeltaFacts> read_lines(const config::ListSettings& settings, BlockSource& source,
                                    rules::EntryParser& parser, const DeltaSink& sink) {
  DeltaLines lines(settings.format == config::ListFormat::plain, parser, sink);
  while (true) {
    const auto block = source.next();
    if (!block) return block.error();
    if (block.value().empty()) return lines.finish();
    if (const auto status = lines.feed(block.value()); !status) return status.error();
  }
}

base::Result<DeltaFacts> read_document(const config::ListSettings& settings, BlockSource& source,
                                       rules::EntryParser& parser, const DeltaSink& sink) {
  const config::DeltaSettings& delta = settings.delta;
  const std::vector<JsonEntries> entries{
      {.name = "delta.added", .pointer = delta.added, .item = settings.json.url, .sink = sink.added},
      {.name = "delta.removed", .pointer = delta.removed, .item = settings.json.url, .sink = sink.removed}};
  std::vector<JsonValue> values{{.pointer = delta.token, .text = {}, .number = {}}};
  if (!delta.since.empty()) values.push_back({.pointer = delta.since, .text = {}, .number = {}});
  if (!settings.json.serial.empty())
    values.push_back({.pointer = settings.json.serial, .text = {}, .number = {}});
  if (const auto status = read_json_document(source, parser, entries, values); !status) return status.error();
  DeltaFacts facts;
  facts.token = values[0].text.value_or("");
  if (!is_token(facts.token)) {
    return base::Error{
        "parse_delta",
        fmt::format("delta.token leads to no token: 1 to {} printable characters", kMaxTokenLetters)};
  }
  if (!delta.since.empty()) {
    facts.since = values[1].text;
    if (!is_token(facts.since.value_or("")))
      return base::Error{"parse_delta", "delta.since leads to no token: 1 to 1024 printable characters"};
  }
  if (!settings.json.serial.empty()) facts.serial = values.back().number;
  return facts;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxTokenLetters &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

base::Result<DeltaFacts> read_delta(const config::ListSettings& settings, std::string_view bytes,
                                    rules::EntryParser& parser, const DeltaSink& sink) {
  const auto source = open_blocks(bytes, settings.max_bytes);
  return settings.format == config::ListFormat::json ? read_document(settings, *source, parser, sink)
                                                     : read_lines(settings, *source, parser, sink);
}

}  // namespace weir::formats
