#include "control/formats/list_reader.h"

#include <utility>
#include <vector>

#include "control/formats/block_source.h"
#include "control/formats/csv_reader.h"
#include "control/formats/hosts_reader.h"
#include "control/formats/json_reader.h"
#include "control/formats/rpz_reader.h"

namespace weir::formats {
namespace {

/// Sees whether a list begins as a page of HTML or XML does: no format has a `<` there.
class PageCheck {
 public:
  [[nodiscard]] bool is_page(std::string_view block) noexcept {
    if (decided_) return false;
    const std::size_t first = block.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (first == std::string_view::npos) return false;
    decided_ = true;
    return block[first] == '<';
  }

 private:
  bool decided_ = false;
};

/// Passes blocks on to `feed` (which gives a Status) until the end.
template <class Feed>
base::Status pass_blocks(BlockSource& source, const Feed& feed) {
  PageCheck page;
  while (true) {
    const auto block = source.next();
    if (!block) return block.error();
    if (block.value().empty()) return base::ok_status();
    if (page.is_page(block.value()))
      return base::Error{"parse_html", "a page of HTML or XML, where a list was expected"};
    if (base::Status status = feed(block.value()); !status) return status;
  }
}

base::Status read_plain(BlockSource& source, rules::EntryParser& parser, const EntrySink& sink) {
  rules::PlainListReader reader(parser, sink.rule);
  auto status = pass_blocks(source, [&](std::string_view block) {
    reader.feed(block);
    return base::ok_status();
  });
  if (!status) return status;
  rules::PlainListSummary summary = reader.finish();
  const std::size_t unnamed = summary.bad_lines - summary.errors.size();
  const std::size_t last_line = summary.errors.empty() ? 0 : summary.errors.back().line;
  for (rules::LineError& error : summary.errors) sink.refused(std::move(error));
  for (std::size_t i = 0; i < unnamed; ++i)
    sink.refused({.line = last_line, .message = "as the lines before"});
  return status;
}

base::Status read_hosts(BlockSource& source, rules::EntryParser& parser, const EntrySink& sink) {
  HostsReader reader(parser, sink);
  auto status = pass_blocks(source, [&](std::string_view block) {
    reader.feed(block);
    return base::ok_status();
  });
  if (status) reader.finish();
  return status;
}

base::Status read_csv(const config::CsvSettings& settings, BlockSource& source, rules::EntryParser& parser,
                      const EntrySink& sink) {
  CsvReader reader(settings, parser, sink);
  auto status = pass_blocks(source, [&](std::string_view block) { return reader.feed(block); });
  return status ? reader.finish() : status;
}

base::Status read_json(const config::ListSettings& settings, BlockSource& source, rules::EntryParser& parser,
                       const EntrySink& sink, ListFacts& facts) {
  const std::vector<JsonEntries> entries{
      {.name = "json.entries", .pointer = settings.json.entries, .item = settings.json.url, .sink = sink}};
  const bool has_serial = !settings.json.serial.empty();
  std::vector<JsonValue> values;
  if (has_serial) values.push_back({.pointer = settings.json.serial, .text = {}, .number = {}});
  if (!settings.delta.url.empty())
    values.push_back({.pointer = settings.delta.token, .text = {}, .number = {}});
  auto status = read_json_document(source, parser, entries, values);
  if (has_serial) facts.serial = values.front().number;
  if (!settings.delta.url.empty()) facts.token = std::move(values.back().text);
  return status;
}

base::Status read_rpz(BlockSource& source, rules::EntryParser& parser, const EntrySink& sink,
                      ListFacts& facts) {
  RpzReader reader(parser, sink);
  auto status = pass_blocks(source, [&](std::string_view block) { return reader.feed(block); });
  if (!status) return status;
  auto ended = reader.finish();
  facts.serial = reader.serial();
  return ended;
}

}  // namespace

base::Result<ListFacts> read_list(const config::ListSettings& settings, std::string_view bytes,
                                  rules::EntryParser& parser, const EntrySink& sink) {
  const auto source = open_blocks(bytes, settings.max_bytes);
  ListFacts facts;
  base::Status status = base::ok_status();
  switch (settings.format) {
    case config::ListFormat::plain:
      status = read_plain(*source, parser, sink);
      break;
    case config::ListFormat::csv:
      status = read_csv(settings.csv, *source, parser, sink);
      break;
    case config::ListFormat::json:
      status = read_json(settings, *source, parser, sink, facts);
      break;
    case config::ListFormat::hosts:
      status = read_hosts(*source, parser, sink);
      break;
    case config::ListFormat::rpz:
      status = read_rpz(*source, parser, sink, facts);
      break;
  }
  if (!status) return status.error();
  return facts;
}

}  // namespace weir::formats
