#include "control/api/rule_listing.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace weir::control {
namespace {

using nlohmann::json;

/// A position in the view. As a cursor: `LIST.RULE`.
struct Position {
  std::size_t list = 0;
  std::size_t rule = 0;
};

std::optional<Position> read_cursor(const std::string& cursor) {
  Position position;
  const char* end = cursor.data() + cursor.size();
  const auto list = std::from_chars(cursor.data(), end, position.list);
  if (list.ec != std::errc{} || list.ptr == end || *list.ptr != '.') return std::nullopt;
  const auto rule = std::from_chars(list.ptr + 1, end, position.rule);
  if (rule.ec != std::errc{} || rule.ptr != end) return std::nullopt;
  return position;
}

json rule_json(const config::ListSettings& list, const ListContent& content, std::size_t index, bool entries,
               rules::Rule& rule) {
  content.rules.read(index, rule);
  json object{{"id", rule.id.value},
              {"list", list.name},
              {"kind", rules::to_string(rule.kind)},
              {"action", rules::to_string(rule.action)}};
  if (entries) object["entry"] = rule.canonical_text();
  if (content.kind == ContentKind::feed) return object;
  const ManualNote& note = content.notes[index];
  object["comment"] = note.comment;
  object["uid"] = note.uid;
  object["added"] = note.added_unix_seconds;
  object["expires"] = note.expires_unix_seconds ? json(*note.expires_unix_seconds) : json(nullptr);
  return object;
}

}  // namespace

base::Result<json> list_rules(const config::Settings& settings, const View& view,
                              const RuleListing& listing) {
  Position position;
  if (listing.cursor) {
    const auto read = read_cursor(*listing.cursor);
    if (!read) return base::Error{"cursor_invalid", "cursor: expected the cursor of an earlier answer"};
    position = *read;
  }
  if (listing.entries) {
    for (std::size_t list = 0; list < view.contents.size(); ++list) {
      const bool asked = !listing.list || settings.lists[list].name == *listing.list;
      if (!asked || view.contents[list] == nullptr || view.has_text(list)) continue;
      return base::Error{
          "entries_not_kept",
          fmt::format("the entries of list {} are not kept (control.entries.at_rest: none): list the rules "
                      "without entries, and look up the id at the source of the feed",
                      settings.lists[list].name)};
    }
  }
  json rules = json::array();
  rules::Rule rule;
  bool known = !listing.list;
  for (std::size_t list = 0; list < view.contents.size(); ++list) {
    if (listing.list && settings.lists[list].name != *listing.list) continue;
    known = true;
    if (list < position.list || view.contents[list] == nullptr) continue;
    const ListContent& content = *view.contents[list];
    for (std::size_t i = list == position.list ? position.rule : 0; i < content.rules.size(); ++i) {
      if (rules.size() == listing.limit) {
        return json{{"generation", view.state.generation.value},
                    {"rules", std::move(rules)},
                    {"cursor", fmt::format("{}.{}", list, i)}};
      }
      rules.push_back(rule_json(settings.lists[list], content, i, listing.entries, rule));
    }
  }
  if (!known)
    return base::Error{"list_unknown",
                       fmt::format("no list {}: `weirctl lists` shows the lists", *listing.list)};
  return json{{"generation", view.state.generation.value}, {"rules", std::move(rules)}, {"cursor", nullptr}};
}

}  // namespace weir::control
