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
  for (std::size_t i = 0; i < choice.rows.size(); ++i) {
    if (i > 0) text += "; ";
    text += fmt::format("`{}`: {}", choice.rows[i].name, choice.rows[i].help);
    if ((choice.supported >> i & 1U) == 0) text += " (not in this version)";
  }
  return text;
}

// What a person may write there.
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

template <class Target>
void add_table(std::string& page, std::span<const Row<Target>> rows) {
  Target defaults{};
  page += "| key | value | default | what it is |\n|---|---|---|---|\n";
  for (const auto& row : rows) {
    const Field field = row.field(defaults);
    const std::string value = format_value(field);
    const std::string shown_default = row.traits.required ? "required"
                                      : value.empty()     ? "none"
                                                          : fmt::format("`{}`", value);
    page += fmt::format("| `{}` | {} | {} | {} |\n", row.key, type_text(row.traits, field), shown_default,
                        row.traits.help);
  }
}

Json choice_schema(const Choice& choice) {
  Json names = Json::array();
  for (std::size_t i = 0; i < choice.rows.size(); ++i) {
    if ((choice.supported >> i & 1U) != 0) names.push_back(choice.rows[i].name);
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

// Not by nested braces: clang 14 leaks the parts of initializer lists within an assignment.
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

// A mapping of optional keys without any is the same as no mapping.
Json optional(Json schema) {
  schema["type"] = Json::array();
  schema["type"].push_back("object");
  schema["type"].push_back("null");
  return schema;
}

template <class Target>
Json mapping_schema(std::span<const Row<Target>> rows) {
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
    const std::string value = format_value(field);
    schema["description"] = value.empty() || row.traits.required
                                ? std::string(row.traits.help)
                                : fmt::format("{} Default: {}", row.traits.help, value);
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
          word["type"].push_back("number");  // the reader takes `512` without quotes for a word too
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
          return list_schema(mapping_schema(port_rows()));
        if constexpr (std::is_same_v<Place, std::vector<ListSettings>*>) {
          Json schema = list_schema(mapping_schema(list_rows()));
          schema["maxItems"] = base::kMaxLists - 1;  // one is the self-test's
          return schema;
        }
      },
      field);
}

}  // namespace

std::string settings_reference_markdown() {
  std::string page =
      "# Configuration reference\n\n"
      "Made by `weir-config-reference` from the schema in `config/schema.cpp`; do not edit.\n\n"
      "The file is YAML, `/etc/weir/weir.yaml` by default, the same for every program. A key such as\n"
      "`dataplane.flows.capacity` stands for nested mappings. Durations are a whole number and a unit: "
      "`90s`,\n"
      "`30m`, `24h`, `7d`. A key without a value (or `null`) has its default. Unknown and repeated keys are\n"
      "errors. A change takes effect when the program that uses it is started again: `weir-dataplane` for\n"
      "`dataplane`, `weir-control` for everything else, which traffic does not notice.\n\n"
      "## Settings\n\n";
  add_table(page, settings_rows());
  page += "\n## Each of `dataplane.ports`\n\n";
  add_table(page, port_rows());
  page += fmt::format("\n## Each of `lists` ({} at most)\n\n", base::kMaxLists - 1);
  add_table(page, list_rows());
  return page;
}

std::string settings_json_schema() {
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Weir configuration"}};
  schema.update(optional(mapping_schema(settings_rows())));
  return schema.dump(2) + "\n";
}

}  // namespace weir::config
