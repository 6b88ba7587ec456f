#include <algorithm>
#include <string>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "config/schema.h"
#include "config/settings.h"
#include "config/text_checks.h"
#include "config/values.h"
#include "dataplane/base/ids.h"

namespace weir::config {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
constexpr bool is_unsigned_number = std::is_same_v<T, unsigned*> || std::is_same_v<T, std::uint64_t*>;

std::string range_text(const Traits& traits) {
  if (!traits.allowed.empty()) return fmt::format("{}", fmt::join(traits.allowed, ", "));
  return fmt::format("{} to {}", traits.min, traits.max);
}

std::string choice_text(const Choice& choice) {
  std::string text;
  for (const base::EnumName& each : choice.names) {
    if (!text.empty()) text += "; ";
    text += fmt::format("`{}`: {}", each.name, each.help);
    if (!each.formerly.empty()) text += fmt::format(" (formerly `{}`, still accepted)", each.formerly);
  }
  return text;
}

// The values that a person may write.
std::string type_text(const Traits& traits, const Field& field) {
  return std::visit(
      [&](const auto& place) -> std::string {
        using Place = std::decay_t<decltype(place)>;
        if constexpr (std::is_same_v<Place, bool*>) return "true or false";
        if constexpr (is_unsigned_number<Place>) {
          return range_text(traits) + (traits.unit.empty() ? "" : fmt::format(" {}", traits.unit));
        }
        if constexpr (std::is_same_v<Place, std::chrono::seconds*>) {
          return fmt::format("duration, {} to {}", format_duration(std::chrono::seconds(traits.min)),
                             format_duration(std::chrono::seconds(traits.max)));
        }
        if constexpr (std::is_same_v<Place, std::string*>) return "text";
        if constexpr (std::is_same_v<Place, std::filesystem::path*>) return "path";
        if constexpr (std::is_same_v<Place, std::vector<std::string>*>) return "list of words";
        if constexpr (std::is_same_v<Place, std::vector<unsigned>*>)
          return "list of numbers, " + range_text(traits);
        if constexpr (std::is_same_v<Place, PortSelection*>) return "`any`, or a list of ports";
        if constexpr (std::is_same_v<Place, Choice>) return choice_text(place);
        return "list, see below";
      },
      field);
}

std::string_view change_text(const Traits& traits) {
  return traits.change_needs == ChangeNeeds::reconfigure ? "reconfigure" : "restart";
}

// `item_of`: the setting whose items the rows describe; its row says what a change of an item needs.
template <class Target>
void add_table(std::string& page, std::span<const Row<Target>> rows, const Traits* item_of = nullptr) {
  Target defaults{};
  page += "| key | value | default | a change needs | what it is |\n|---|---|---|---|---|\n";
  for (const auto& row : rows) {
    const Field field = row.field(defaults);
    const std::string value = format_value(field);
    const std::string shown_default = row.traits.required ? "required"
                                      : value.empty()     ? "none"
                                                          : fmt::format("`{}`", value);
    const std::string old_key = row.traits.formerly.empty()
                                    ? ""
                                    : fmt::format(" Formerly `{}`, still accepted.", row.traits.formerly);
    page +=
        fmt::format("| `{}` | {} | {} | {} | {}{} |\n", row.key, type_text(row.traits, field), shown_default,
                    change_text(item_of == nullptr ? row.traits : *item_of), row.traits.help, old_key);
  }
}

Json choice_schema(const Choice& choice) {
  Json names = Json::array();
  for (const base::EnumName& each : choice.names) names.push_back(each.name);
  for (const base::EnumName& each : choice.names) {
    if (!each.formerly.empty()) names.push_back(each.formerly);
  }
  return {{"enum", names}};
}

Json text_schema(const Traits& traits) {
  Json schema = {{"type", "string"}};
  if (!traits.pattern.empty()) schema["pattern"] = traits.pattern;
  return schema;
}

Json number_schema(const Traits& traits) {
  if (!traits.allowed.empty())
    return {{"enum", std::vector<unsigned>(traits.allowed.begin(), traits.allowed.end())}};
  return {{"type", "integer"}, {"minimum", traits.min}, {"maximum", traits.max}};
}

Json list_schema(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

// No nested braces: clang 14 leaks the parts of an initializer list within an assignment.
Json either(Json one, Json other) {
  Json choices = Json::array();
  choices.push_back(std::move(one));
  choices.push_back(std::move(other));
  Json schema = Json::object();
  schema["anyOf"] = std::move(choices);
  return schema;
}

Json value_schema(const Traits& traits, const Field& field);

Json empty_mapping() {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
}

// A mapping of optional keys may be empty, which YAML reads as null.
Json optional(Json schema) {
  schema["type"] = Json::array();
  schema["type"].push_back("object");
  schema["type"].push_back("null");
  return schema;
}

// What an editor shows when the pointer rests on the key.
std::string description(const Traits& traits, const Traits& for_change, const std::string& default_value) {
  std::string text(traits.help);
  if (!default_value.empty() && !traits.required) text += fmt::format(" Default: {}", default_value);
  text += for_change.change_needs == ChangeNeeds::reconfigure
              ? " (`weirctl reconfigure` puts a change in force.)"
              : " (A change needs a restart.)";
  return text;
}

template <class Target>
Json mapping_schema(std::span<const Row<Target>> rows, const Traits* item_of = nullptr) {
  Json root = empty_mapping();
  Target defaults{};
  for (const auto& row : rows) {
    Json* mapping = &root;
    std::string_view rest = row.key;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      Json& child = (*mapping)["properties"][std::string(rest.substr(0, dot))];
      if (child.is_null()) child = optional(empty_mapping());
      mapping = &child;
      rest.remove_prefix(dot + 1);
    }
    const Field field = row.field(defaults);
    Json schema = value_schema(row.traits, field);
    // An optional key without a value is the same as no key.
    if (!row.traits.required) schema = either(std::move(schema), {{"type", "null"}});
    if (!row.traits.formerly.empty()) {
      Json old = schema;
      old["description"] = fmt::format("The old name of `{}`.", rest);
      (*mapping)["properties"][std::string(row.traits.formerly)] = std::move(old);
    }
    schema["description"] =
        description(row.traits, item_of == nullptr ? row.traits : *item_of, format_value(field));
    (*mapping)["properties"][std::string(rest)] = std::move(schema);
    if (row.traits.required) (*mapping)["required"].push_back(std::string(rest));
  }
  return root;
}

Json value_schema(const Traits& traits, const Field& field) {
  return std::visit(
      [&](const auto& place) -> Json {
        using Place = std::decay_t<decltype(place)>;
        if constexpr (std::is_same_v<Place, bool*>) return {{"type", "boolean"}};
        if constexpr (is_unsigned_number<Place>) return number_schema(traits);
        if constexpr (std::is_same_v<Place, std::chrono::seconds*>) {
          return {{"type", "string"}, {"pattern", "^(0|[1-9][0-9]*)[smhd]$"}};
        }
        if constexpr (std::is_same_v<Place, std::string*> || std::is_same_v<Place, std::filesystem::path*>) {
          return text_schema(traits);
        }
        if constexpr (std::is_same_v<Place, std::vector<std::string>*>) {
          Json word = text_schema(traits);
          word["type"] = Json::array();
          word["type"].push_back("string");
          word["type"].push_back("number");  // the reader accepts `512` without quotes as a word
          return list_schema(std::move(word));
        }
        if constexpr (std::is_same_v<Place, std::vector<unsigned>*>)
          return list_schema(number_schema(traits));
        if constexpr (std::is_same_v<Place, PortSelection*>) {
          return either({{"const", "any"}},
                        list_schema({{"type", "integer"}, {"minimum", 1}, {"maximum", kLastPort}}));
        }
        if constexpr (std::is_same_v<Place, Choice>) return choice_schema(place);
        if constexpr (std::is_same_v<Place, std::vector<PortSettings>*>)
          return list_schema(mapping_schema(port_rows(), &traits));
        if constexpr (std::is_same_v<Place, std::vector<ListSettings>*>) {
          Json schema = list_schema(mapping_schema(list_rows(), &traits));
          schema["maxItems"] = base::kMaxLists - 1;  // one more is the self-test's
          return schema;
        }
      },
      field);
}

const Traits& traits_of(std::string_view key) {
  const auto rows = settings_rows();
  return std::find_if(rows.begin(), rows.end(), [&](const Row<Settings>& row) { return row.key == key; })
      ->traits;
}

}  // namespace

std::string settings_reference_markdown() {
  std::string page =
      "# Configuration reference\n\n"
      "Generated by `weir-config-reference` from the rows in `config/*_rows.cpp`. Do not edit.\n\n"
      "The file is YAML, `/etc/weir/weir.yaml` by default, and the same for every program. A key such as\n"
      "`dataplane.flows.capacity` stands for nested mappings. A duration is a whole number and a unit: "
      "`90s`,\n"
      "`30m`, `24h`, `7d`. A key without a value (or with `null`) has its default. Unknown and repeated "
      "keys\n"
      "are errors.\n\n"
      "*A change needs* says what puts a changed value in force:\n\n"
      "- reconfigure: `weirctl reconfigure`, or SIGHUP to the daemon that uses the setting. Traffic is not\n"
      "  interrupted.\n"
      "- restart: a restart of the daemon that uses the setting: `weir-dataplane` for `dataplane`, which\n"
      "  interrupts traffic; `weir-control` for `control`, which does not.\n\n"
      "## Settings\n\n";
  add_table(page, settings_rows());
  page += "\n## Each of `dataplane.ports`\n\n";
  add_table(page, port_rows(), &traits_of("dataplane.ports"));
  page += fmt::format("\n## Each of `lists` ({} at most)\n\n", base::kMaxLists - 1);
  add_table(page, list_rows(), &traits_of("lists"));
  return page;
}

std::string settings_json_schema() {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Weir configuration"}};
  schema.update(optional(mapping_schema(settings_rows())));
  return schema.dump(2) + "\n";
}

}  // namespace weir::config
