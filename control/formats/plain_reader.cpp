#include "control/formats/plain_reader.h"

#include <utility>

#include "dataplane/rules/plain_list.h"

namespace weir::formats {

base::Result<ListFacts> read_plain(const config::ListSettings&, BlockSource& source,
                                   rules::EntryParser& parser, const EntrySink& sink) {
  rules::PlainListReader reader(parser, sink.rule);
  const auto status = read_blocks(source, [&](std::string_view block) {
    reader.feed(block);
    return base::ok_status();
  });
  if (!status) return status.error();
  rules::PlainListSummary summary = reader.finish();
  const std::size_t unexplained = summary.bad_lines - summary.errors.size();
  const std::size_t last_line = summary.errors.empty() ? 0 : summary.errors.back().line;
  for (rules::LineError& error : summary.errors) sink.refused(std::move(error));
  for (std::size_t i = 0; i < unexplained; ++i)
    sink.refused({.line = last_line, .message = "one of too many bad lines"});
  return ListFacts{};
}

}  // namespace weir::formats
