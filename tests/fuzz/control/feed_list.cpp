#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/choices.h"
#include "control/formats/csv_reader.h"
#include "control/formats/delta_reader.h"
#include "control/formats/list_reader.h"
#include "tests/support/require.h"

namespace {

using namespace weir;
using fuzz::require;

struct Outcome {
  std::string rules;
  std::size_t refused = 0;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

formats::EntrySink sink_for(Outcome& outcome) {
  return {.rule =
              [&outcome](rules::Rule&& rule, std::size_t line) {
                require(!rule.host.empty() && rule.action == rules::Action::block, "a rule that blocks");
                outcome.rules += std::to_string(line) + " " + rule.canonical_text() + "\n";
              },
          .refused =
              [&outcome](rules::LineError&& error) {
                require(error.line != 0 && !error.message.empty(), "a line and a reason");
                ++outcome.refused;
              }};
}

// Cut into blocks a table is the same.
void check_csv_blocks(const config::CsvSettings& settings, std::string_view text,
                      rules::EntryParser& parser) {
  const auto read = [&](std::size_t block) {
    Outcome outcome;
    const formats::EntrySink sink = sink_for(outcome);
    formats::CsvReader reader(settings, parser, sink);
    for (std::size_t at = 0; at < text.size(); at += block) {
      if (const auto status = reader.feed(text.substr(at, block)); !status) {
        outcome.error = status.error().message;
        return outcome;
      }
    }
    if (const auto status = reader.finish(); !status) outcome.error = status.error().message;
    return outcome;
  };
  require(read(1 + text.size() % 7) == read(text.size() + 1), "the same table however it is cut");
}

// The same bytes as the changes of a feed.
void check_changes(const config::ListSettings& settings, std::string_view text, rules::EntryParser& parser) {
  Outcome added;
  Outcome removed;
  const auto facts =
      formats::read_delta(settings, text, parser, {.added = sink_for(added), .removed = sink_for(removed)});
  if (!facts) {
    require(facts.error().code.starts_with("parse_") && !facts.error().message.empty(),
            "an error of the interface");
    return;
  }
  require(formats::is_token(facts.value().token), "a token that they lead to");
  require(!facts.value().since || formats::is_token(*facts.value().since), "a token that they start at");
  if (settings.format == config::ListFormat::json && !text.starts_with("\x1f\x8b"))
    require(nlohmann::json::accept(text), "a whole document");
}

}  // namespace

/// The first byte says how the rest is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static rules::EntryParser parser;
  if (size == 0) return 0;
  const unsigned how = data[0];
  const std::string text(data + 1, data + size);
  config::ListSettings settings;
  settings.max_bytes = std::size_t{1} << 20;
  settings.format = static_cast<config::ListFormat>((how & 7) % config::kListFormats.size());
  settings.csv.id_column = (how & 0x20) != 0 ? "id" : "";
  settings.csv.comments = (how & 0x40) != 0;
  if ((how & 0x80) != 0) settings.csv = {.url_column = "2", .id_column = "1", .header = false};
  if ((how & 0x20) != 0) settings.json = {.entries = "/data", .url = "/url", .serial = "/serial"};
  Outcome outcome;
  const formats::EntrySink sink = sink_for(outcome);
  const auto facts = formats::read_list(settings, text, parser, sink);
  require(facts.ok() || (facts.error().code.starts_with("parse_") && !facts.error().message.empty()),
          "an error of the interface");
  // What is taken for a whole document is one.
  if (facts.ok() && settings.format == config::ListFormat::json && !text.starts_with("\x1f\x8b"))
    require(nlohmann::json::accept(text), "a whole document");
  if (settings.format == config::ListFormat::csv && !text.empty())
    check_csv_blocks(settings.csv, text, parser);
  if (settings.format != config::ListFormat::hosts && settings.format != config::ListFormat::rpz)
    check_changes(settings, text, parser);
  return 0;
}
