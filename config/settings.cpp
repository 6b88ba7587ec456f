#include "config/settings.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/feed_schemes.h"
#include "config/problems.h"
#include "config/schema.h"
#include "config/values.h"
#include "config/yaml_tree.h"
#include "dataplane/base/ids.h"

namespace weir::config {
namespace {

constexpr std::size_t kMostPorts = 64;

// The last part of a row's key.
std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

// Fills settings from the tree, guided by the rows of the schema.
class Filler {
 public:
  Filler(Problems& problems, Lines& lines, std::vector<std::string>& old_names)
      : problems_(problems), lines_(lines), old_names_(old_names) {}

  /// Reads the mapping `node` into `target`. `section`: the key of the mapping within the rows, empty at
  /// their top. `prefix`: what messages put before the keys of the rows (`lists[0].`).
  template <class Target>
  void fill(const YamlNode& node, std::span<const Row<Target>> rows, const std::string& section,
            const std::string& prefix, Target& target) {
    if (node.kind == YamlNode::Kind::null) return;
    if (node.kind != YamlNode::Kind::mapping) {
      problems_.add(node.line, name_of(prefix, section), describe_kind(node), "a mapping of KEY: VALUE");
      return;
    }
    std::unordered_map<std::string, const YamlNode::Entry*> seen;
    for (const auto& entry : node.entries) {
      if (problems_.full()) return;
      const std::string key = current_key(rows, section.empty() ? entry.key : section + "." + entry.key);
      const auto [first, is_new] = seen.emplace(key, &entry);
      if (is_new) {
        take(entry, rows, key, section, prefix, target);
      } else if (const YamlNode::Entry& other = *first->second; other.key == entry.key) {
        problems_.add(entry.line, prefix + shown(key),
                      fmt::format("given twice (first in line {})", other.line), "each key once");
      } else {
        problems_.add(
            entry.line, prefix + key,
            fmt::format("given twice: as '{}' here and as '{}' in line {}", entry.key, other.key, other.line),
            fmt::format("only '{}'", last_part(key)));
      }
    }
  }

  template <class Target>
  void require(std::size_t line, std::span<const Row<Target>> rows, const std::string& prefix) {
    for (const auto& row : rows) {
      const std::string key = prefix + std::string(row.key);
      if (row.traits.required && lines_.find(key) == lines_.end()) {
        problems_.add(line, key, "missing", "a value");
      }
    }
  }

 private:
  template <class Target>
  void take(const YamlNode::Entry& entry, std::span<const Row<Target>> rows, const std::string& key,
            const std::string& section, const std::string& prefix, Target& target) {
    // Without this, a dot within a key would reach into a mapping below.
    const bool dotted = entry.key.find('.') != std::string::npos;
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Row<Target>& each) { return each.key == key; });
    if (!dotted && row != rows.end()) return take_value(entry, *row, prefix + key, target);
    if (!dotted && is_section(rows, key)) {
      lines_.emplace(prefix + key, entry.line);
      return fill(*entry.value, rows, key, prefix, target);
    }
    const auto siblings = keys_of(rows, section);
    const std::string_view near = closest(entry.key, siblings);
    problems_.add(
        entry.line, prefix + shown(key),
        near.empty() ? std::string("unknown key") : fmt::format("unknown key (did you mean '{}'?)", near),
        siblings_text(siblings));
  }

  template <class Target>
  void take_value(const YamlNode::Entry& entry, const Row<Target>& row, const std::string& key,
                  Target& target) {
    if (entry.value->kind == YamlNode::Kind::null) return;
    lines_.emplace(key, entry.line);
    const bool by_old_key = entry.key == row.traits.formerly;
    if (by_old_key) note_old_key(row.key, row.traits.formerly, key);
    const Field field = row.field(target);
    if (auto* const* ports = std::get_if<std::vector<PortSettings>*>(&field)) {
      fill_items(*entry.value, port_rows(), key, kMostPorts, **ports);
    } else if (auto* const* lists = std::get_if<std::vector<ListSettings>*>(&field)) {
      fill_items(*entry.value, list_rows(), key, base::kMaxLists - 1, **lists);
    } else if (const auto problem = read_value(*entry.value, row.traits, field)) {
      const std::string where = by_old_key ? fmt::format(" under the old key '{}'", entry.key) : "";
      problems_.add(problem->line, key, problem->wrong + where, problem->expected);
    } else if (const auto* const choice = std::get_if<Choice>(&field)) {
      note_old_value(*entry.value, choice->names[*choice->value], key);
    }
  }

  // `key`, or the key that has replaced it.
  template <class Target>
  static std::string current_key(std::span<const Row<Target>> rows, const std::string& key) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row<Target>& each) {
      if (each.traits.formerly.empty()) return false;
      const std::string_view section = each.key.substr(0, each.key.size() - last_part(each.key).size());
      return key == std::string(section) + std::string(each.traits.formerly);
    });
    return row == rows.end() ? key : std::string(row->key);
  }

  void note_old_key(std::string_view row_key, std::string_view formerly, const std::string& key) {
    const std::string_view now = last_part(row_key);
    note_once(row_key, fmt::format("{}{}: now called {}; the old name still works",
                                   std::string_view(key).substr(0, key.size() - now.size()), formerly, now));
  }

  void note_old_value(const YamlNode& node, const base::EnumName& name, const std::string& key) {
    if (node.text == name.name) return;
    note_once(name.name, fmt::format("{}: '{}' is now called '{}'; the old name still works", key,
                                     name.formerly, name.name));
  }

  // A file may use the same old name in each of its lists.
  void note_once(std::string_view what, std::string notice) {
    if (noted_.insert(what).second) old_names_.push_back(std::move(notice));
  }

  template <class Item>
  void fill_items(const YamlNode& node, std::span<const Row<Item>> rows, const std::string& key,
                  std::size_t most, std::vector<Item>& items) {
    if (node.kind != YamlNode::Kind::sequence) {
      problems_.add(node.line, key, describe_kind(node), "a list of mappings");
      return;
    }
    if (node.items.size() > most) {
      problems_.add(node.items[most]->line, key, fmt::format("{} items", node.items.size()),
                    fmt::format("at most {}", most));
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& child = *node.items[i];
      const std::string item_key = fmt::format("{}[{}]", key, i);
      lines_.emplace(item_key, child.line);
      Item& item = items.emplace_back();
      item.line = child.line;
      fill(child, rows, "", item_key + ".", item);
      if (child.kind == YamlNode::Kind::mapping || child.kind == YamlNode::Kind::null) {
        require(child.line, rows, item_key + ".");
      }
    }
  }

  template <class Target>
  static bool is_section(std::span<const Row<Target>> rows, const std::string& key) {
    const std::string start = key + ".";
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row<Target>& row) { return row.key.substr(0, start.size()) == start; });
  }

  // The keys that may stand in the mapping `section`, in the order of the rows.
  template <class Target>
  static std::vector<std::string_view> keys_of(std::span<const Row<Target>> rows,
                                               const std::string& section) {
    const std::string start = section.empty() ? "" : section + ".";
    std::vector<std::string_view> keys;
    for (const auto& row : rows) {
      if (row.key.substr(0, start.size()) != start) continue;
      const std::string_view rest = row.key.substr(start.size());
      const std::string_view key = rest.substr(0, rest.find('.'));
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    return keys;
  }

  static std::string siblings_text(const std::vector<std::string_view>& keys) {
    std::string text = keys.size() > 1 ? "one of " : "";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) text += ", ";
      text += keys[i];
    }
    return text;
  }

  // Keys come from the file and may hold anything. A value whose key is missing is read as a key.
  static std::string shown(const std::string& key) {
    if (key.find_first_of("/:@=") != std::string::npos) return "(not a key, not shown)";
    const bool simple = key.size() <= 128 &&
                        std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    return simple ? key : quoted_text(key);
  }

  static std::string name_of(const std::string& prefix, const std::string& section) {
    if (!section.empty()) return prefix + section;
    return prefix.empty() ? "the file" : prefix.substr(0, prefix.size() - 1);
  }

  Problems& problems_;
  Lines& lines_;
  std::vector<std::string>& old_names_;
  std::unordered_set<std::string_view> noted_;
};

base::Result<std::string> read_file(const std::filesystem::path& file) {
  const auto failed = [&file](const std::string& why) {
    return base::Error{"config_unreadable",
                       fmt::format("{}: cannot read the configuration: {}", file.string(), why)};
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return failed("it is a directory");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return failed(std::generic_category().message(errno != 0 ? errno : EIO));
  // Read at most one byte more than is allowed: the path may be an endless device.
  std::string text(kMaxYamlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return failed("input/output error");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

void add_list_notices(const ListSettings& list, std::vector<std::string>& notices) {
  const auto no_effect = [&](std::string_view what, std::string_view why) {
    notices.push_back(fmt::format("list {}: {} has no effect: {}", list.name, what, why));
  };
  const AuthSettings& auth = list.auth;
  const CsvSettings defaults;
  const FeedSchemeRow* const scheme = feed_scheme_of(list.url);
  if (auth.type != AuthType::none && scheme != nullptr && !scheme->names_host)
    no_effect("auth", "the feed is a file");
  if (auth.type == AuthType::none &&
      !(auth.user.empty() && auth.password_file.empty() && auth.token_file.empty() &&
        auth.certificate.empty() && auth.key.empty())) {
    no_effect("auth", "auth.type is none");
  }
  if (list.verify.type != VerifyType::minisign && !list.verify.public_key.empty()) {
    no_effect("verify.public_key", "verify.type is not minisign");
  }
  if (list.verify.type == VerifyType::none && !list.verify.url.empty())
    no_effect("verify.url", "verify.type is none");
  if (list.format != ListFormat::csv &&
      (list.csv.url_column != defaults.url_column || list.csv.id_column != defaults.id_column ||
       list.csv.header != defaults.header || list.csv.separator != defaults.separator ||
       list.csv.comments != defaults.comments)) {
    no_effect("csv", "format is not csv");
  }
  if (list.format != ListFormat::json &&
      !(list.json.entries.empty() && list.json.url.empty() && list.json.serial.empty())) {
    no_effect("json", "format is not json");
  }
}

}  // namespace

base::Result<Settings> parse_settings(const std::string& text, const std::string& name, Audience audience) {
  const auto tree = read_yaml(text, name);
  if (!tree) return tree.error();
  Settings settings;
  Problems problems(name);
  Lines lines;
  Filler(problems, lines, settings.old_names).fill(*tree.value(), settings_rows(), "", "", settings);
  check_settings(settings, audience, lines, problems);
  if (!problems.empty()) return problems.error();
  return settings;
}

base::Result<Settings> load_settings(const std::filesystem::path& file, Audience audience) {
  std::error_code error;
  const bool missing = std::filesystem::status(file, error).type() == std::filesystem::file_type::not_found;
  if (missing && audience == Audience::client && file == kDefaultConfigFile) return Settings{};
  const auto text = read_file(file);
  if (!text) return text.error();
  return parse_settings(text.value(), file.string(), audience);
}

std::vector<std::string> setting_notices(const Settings& settings) {
  std::vector<std::string> notices = settings.old_names;
  const HttpBlockSettings& http = settings.dataplane.block.http;
  constexpr unsigned kLegalReasons = 451;
  constexpr unsigned kRedirect = 302;
  const bool says_all = !http.operator_name.empty() && !http.reason.empty() && !http.contact.empty();
  if (http.status != kRedirect && http.page.empty() && !says_all) {
    notices.emplace_back(
        "the built-in block page does not say who blocks, why, and how to object: set "
        "dataplane.block.http.operator, reason and contact, or dataplane.block.http.page");
  }
  if (http.status != kLegalReasons && !http.blocked_by.empty()) {
    notices.push_back(fmt::format(
        "dataplane.block.http.blocked_by has no effect: dataplane.block.http.status is {}, not 451",
        http.status));
  }
  for (const ListSettings& list : settings.lists) add_list_notices(list, notices);
  return notices;
}

}  // namespace weir::config
