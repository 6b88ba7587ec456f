#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/problems.h"
#include "config/text_checks.h"

namespace weir::config {
namespace {

using Problem = std::optional<ValueProblem>;

constexpr std::size_t kMostItems = 256;
constexpr std::size_t kTextBytes = 4096;

struct DurationUnit {
  char letter;
  std::uint64_t seconds;
};
constexpr std::array<DurationUnit, 4> kDurationUnits{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

std::optional<std::uint64_t> whole_number(std::string_view text) {
  // YAML 1.1 reads 010 as eight, YAML 1.2 as ten: which one is meant is unclear.
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> duration_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto* const unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                        [&](const DurationUnit& each) { return each.letter == text.back(); });
  if (unit == kDurationUnits.end()) return std::nullopt;
  const auto count = whole_number(text.substr(0, text.size() - 1));
  if (!count || *count > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return *count * unit->seconds;
}

// Reads one value of one setting.
class Reader {
 public:
  Reader(const YamlNode& node, const Traits& traits) : node_(node), traits_(traits) {}

  Problem operator()(bool* out) const {
    if (!is_plain(node_) || (node_.text != "true" && node_.text != "false"))
      return wrong(node_, "true or false");
    *out = node_.text == "true";
    return {};
  }

  Problem operator()(unsigned* out) const { return number(node_, out, number_range()); }
  Problem operator()(std::uint64_t* out) const { return number(node_, out, number_range()); }

  Problem operator()(std::chrono::seconds* out) const {
    const auto seconds = is_scalar() ? duration_seconds(node_.text) : std::nullopt;
    if (!seconds || *seconds < traits_.min || *seconds > traits_.max) {
      return wrong(node_, fmt::format("a duration of {} to {}, such as 90s, 30m or 24h",
                                      format_duration(std::chrono::seconds(traits_.min)),
                                      format_duration(std::chrono::seconds(traits_.max))));
    }
    *out = std::chrono::seconds(*seconds);
    return {};
  }

  Problem operator()(std::string* out) const { return text(node_, *out); }

  Problem operator()(std::filesystem::path* out) const {
    std::string path;
    if (auto problem = text(node_, path)) return problem;
    *out = path;
    return {};
  }

  Problem operator()(std::vector<std::string>* out) const {
    return list<std::string>(*out, "a list of words such as [a, b]",
                             [this](const YamlNode& item, std::string& value) { return text(item, value); });
  }

  Problem operator()(std::vector<unsigned>* out) const {
    const std::string expected = fmt::format("a list of numbers from {} to {}", traits_.min, traits_.max);
    if (auto problem = list<unsigned>(*out, expected, [&](const YamlNode& item, unsigned& value) {
          return number(item, &value, expected);
        })) {
      return problem;
    }
    if (out->empty()) {
      return wrong(node_,
                   fmt::format("a list of at least one number from {} to {}", traits_.min, traits_.max));
    }
    return repeated(*out);
  }

  Problem operator()(PortSelection* out) const {
    const std::string expected = "any, or a list of ports from 1 to 65535 such as [80, 8080]";
    if (is_scalar() && node_.text == "any") {
      *out = PortSelection{};
      return {};
    }
    PortSelection selection{.any = false, .ports = {}};
    if (auto problem = list<std::uint16_t>(
            selection.ports, expected, [&](const YamlNode& item, std::uint16_t& value) -> Problem {
              const auto port = is_plain(item) ? whole_number(item.text) : std::nullopt;
              if (!port || *port < 1 || *port > kLastPort) return wrong(item, expected);
              value = static_cast<std::uint16_t>(*port);
              return Problem{};
            })) {
      return problem;
    }
    if (auto problem = repeated(selection.ports)) return problem;
    *out = std::move(selection);
    return {};
  }

  Problem operator()(const Choice& choice) const {
    std::vector<std::string_view> names;
    for (const base::EnumName& each : choice.names) names.push_back(each.name);
    for (std::size_t i = 0; is_scalar() && i < choice.names.size(); ++i) {
      const base::EnumName& each = choice.names[i];
      if (node_.text != each.name && (each.formerly.empty() || node_.text != each.formerly)) continue;
      *choice.value = static_cast<std::uint8_t>(i);
      return {};
    }
    return wrong(node_, fmt::format("one of {}", fmt::join(names, ", ")));
  }

  // The caller reads these: their items have their own rows.
  Problem operator()(std::vector<PortSettings>* /*out*/) const { return {}; }
  Problem operator()(std::vector<ListSettings>* /*out*/) const { return {}; }

 private:
  [[nodiscard]] bool is_scalar() const { return node_.kind == YamlNode::Kind::scalar; }
  [[nodiscard]] static bool is_plain(const YamlNode& node) {
    return node.kind == YamlNode::Kind::scalar && !node.quoted;
  }

  [[nodiscard]] ValueProblem wrong(const YamlNode& node, std::string expected) const {
    return {node.line, describe(node, traits_.secret), std::move(expected)};
  }

  [[nodiscard]] std::string number_range() const {
    if (!traits_.allowed.empty()) return fmt::format("one of {}", fmt::join(traits_.allowed, ", "));
    return fmt::format("a whole number from {} to {}", traits_.min, traits_.max);
  }

  template <class Number>
  Problem number(const YamlNode& node, Number* out, const std::string& expected) const {
    const auto value = is_plain(node) ? whole_number(node.text) : std::nullopt;
    const auto& allowed = traits_.allowed;
    const bool good =
        value && (allowed.empty() ? *value >= traits_.min && *value <= traits_.max
                                  : std::find(allowed.begin(), allowed.end(), *value) != allowed.end());
    if (!good) return wrong(node, expected);
    *out = static_cast<Number>(*value);
    return {};
  }

  Problem text(const YamlNode& node, std::string& out) const {
    if (node.kind != YamlNode::Kind::scalar) return wrong(node, "text");
    if (node.text.size() > kTextBytes) return wrong(node, fmt::format("at most {} bytes", kTextBytes));
    if (traits_.check != nullptr) {
      if (auto expected = traits_.check(node.text)) return wrong(node, std::move(*expected));
    }
    out = node.text;
    return {};
  }

  template <class Item, class ReadItem>
  Problem list(std::vector<Item>& out, const std::string& expected, const ReadItem& read_item) const {
    if (node_.kind != YamlNode::Kind::sequence) return wrong(node_, expected);
    if (node_.items.size() > kMostItems) {
      return ValueProblem{node_.line, fmt::format("{} items", node_.items.size()),
                          fmt::format("{} at most", kMostItems)};
    }
    std::vector<Item> items;
    for (const auto& node : node_.items) {
      Item item{};
      if (auto problem = read_item(*node, item)) return problem;
      items.push_back(std::move(item));
    }
    out = std::move(items);
    return {};
  }

  template <class Number>
  Problem repeated(const std::vector<Number>& numbers) const {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (std::find(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(i), numbers[i]) !=
          numbers.begin() + static_cast<std::ptrdiff_t>(i)) {
        return ValueProblem{node_.items[i]->line, fmt::format("{} is given twice", numbers[i]),
                            "each number once"};
      }
    }
    return {};
  }

  const YamlNode& node_;
  const Traits& traits_;
};

// Text as a JSON string, which is valid YAML.
std::string in_quotes(const std::string& text) { return fmt::format("\"{}\"", text); }

struct Formatter {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const unsigned* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::uint64_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::chrono::seconds* value) const { return format_duration(*value); }
  std::string operator()(const std::string* value) const { return *value; }
  std::string operator()(const std::filesystem::path* value) const { return value->string(); }
  std::string operator()(const std::vector<std::string>* value) const {
    std::vector<std::string> items;
    for (const auto& item : *value) items.push_back(in_quotes(item));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  std::string operator()(const std::vector<unsigned>* value) const {
    return fmt::format("[{}]", fmt::join(*value, ", "));
  }
  std::string operator()(const PortSelection* value) const {
    return value->any ? "any" : fmt::format("[{}]", fmt::join(value->ports, ", "));
  }
  std::string operator()(const Choice& choice) const { return std::string(choice.names[*choice.value].name); }
  std::string operator()(const std::vector<PortSettings>* /*value*/) const { return {}; }
  std::string operator()(const std::vector<ListSettings>* /*value*/) const { return {}; }
};

}  // namespace

std::optional<ValueProblem> read_value(const YamlNode& node, const Traits& traits, const Field& field) {
  if (node.kind == YamlNode::Kind::null) return std::nullopt;
  return std::visit(Reader(node, traits), field);
}

std::string describe(const YamlNode& node, bool secret) {
  if (node.kind != YamlNode::Kind::scalar) return describe_kind(node);
  if (secret) return "found another value (secret, not shown)";
  return (node.quoted ? "found the text " : "found ") + quoted_text(node.text);
}

std::string describe_kind(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "found nothing";
    case YamlNode::Kind::scalar:
      return "found a single value";
    case YamlNode::Kind::sequence:
      return "found a list";
    case YamlNode::Kind::mapping:
      break;
  }
  return "found a mapping";
}

std::string format_value(const Field& field) { return std::visit(Formatter{}, field); }

std::string format_duration(std::chrono::seconds duration) {
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  for (const auto& unit : kDurationUnits) {
    // One day is written 24h, more are written in days: 30d.
    if (unit.letter == 'd' && seconds <= unit.seconds) continue;
    if (seconds >= unit.seconds && seconds % unit.seconds == 0) {
      return fmt::format("{}{}", seconds / unit.seconds, unit.letter);
    }
  }
  return fmt::format("{}s", seconds);
}

}  // namespace weir::config
