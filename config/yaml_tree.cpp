#include "config/yaml_tree.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace weir::config {
namespace {

// What the builder refuses. The mark is that of yaml-cpp and counts from 0.
class TreeError : public std::runtime_error {
 public:
  TreeError(const YAML::Mark& mark, const std::string& what) : std::runtime_error(what), mark_(mark) {}
  [[nodiscard]] const YAML::Mark& mark() const noexcept { return mark_; }

 private:
  YAML::Mark mark_;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  std::shared_ptr<const YamlNode> root() const { return root_; }
  [[nodiscard]] bool empty() const { return root_ == nullptr; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_ != nullptr) {
      throw TreeError(mark,
                      "not part of the document above, expected one document with consistent indentation");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, make(mark, YamlNode::Kind::null));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != kText) refuse_tag(mark, tag);
    auto node = make(mark, YamlNode::Kind::scalar);
    node->text = value;
    node->quoted = tag == "!" || tag == kText;
    add(mark, anchor, node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) throw TreeError(mark, "an alias within its own anchor, expected a value");
    place(mark, target->second.node, target->second.weight);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(mark, anchor, YamlNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(mark, anchor, YamlNode::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    std::size_t weight = 1;              // nodes, with aliases expanded
    std::optional<YamlNode::Entry> key;  // of a mapping: the key whose value has not been read yet
  };
  struct Anchored {
    std::shared_ptr<const YamlNode> node;
    std::size_t weight;
  };

  static constexpr std::string_view kText = "tag:yaml.org,2002:str";

  // A `!vault` or `!include` tag must not be ignored and its argument taken for the value. yaml-cpp reports
  // "!" for quoted scalars and "?" or nothing for others.
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw TreeError(mark, "a value with a tag, expected a value without one");
    }
  }

  static std::shared_ptr<YamlNode> make(const YAML::Mark& mark, YamlNode::Kind kind) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = static_cast<std::size_t>(std::max(mark.line, 0)) + 1;
    return node;
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, const std::shared_ptr<YamlNode>& node) {
    if (anchor != 0) anchors_[anchor] = {.node = node, .weight = 1};
    place(mark, node, 1);
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() >= kMaxYamlDepth) {
      throw TreeError(mark, fmt::format("nested too deeply, expected at most {} levels", kMaxYamlDepth));
    }
    open_.push_back({.node = make(mark, kind), .mark = mark, .anchor = anchor, .weight = 1, .key = {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != 0) anchors_[done.anchor] = {.node = done.node, .weight = done.weight};
    place(done.mark, done.node, done.weight);
  }

  void place(const YAML::Mark& mark, std::shared_ptr<const YamlNode> node, std::size_t weight) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    parent.weight += weight;
    if (parent.weight > kMaxYamlNodes) {
      throw TreeError(mark, fmt::format("too large, expected at most {} values", kMaxYamlNodes));
    }
    if (parent.node->kind == YamlNode::Kind::sequence) {
      parent.node->items.push_back(std::move(node));
    } else if (parent.key) {
      parent.key->value = std::move(node);
      parent.node->entries.push_back(std::move(*parent.key));
      parent.key.reset();
    } else if (node->kind == YamlNode::Kind::scalar) {
      parent.key = YamlNode::Entry{.key = node->text, .line = node->line, .value = nullptr};
    } else {
      throw TreeError(mark, "a key that is not a word, expected KEY: VALUE");
    }
  }

  std::shared_ptr<const YamlNode> root_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
};

base::Error invalid(const std::string& name, const YAML::Mark& mark, std::string_view what) {
  return {"config_invalid", fmt::format("{}:{}: column {}: {}", name, std::max(mark.line, 0) + 1,
                                        std::max(mark.column, 0) + 1, what)};
}

// Length of the UTF-8 sequence at `at`; 0 if it is invalid (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool beyond = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : length;
}

// yaml-cpp takes NUL and EOT for the end of the file and guesses encodings. Both could hide settings.
std::optional<base::Error> text_problem(const std::string& text, const std::string& name) {
  if (text.size() > kMaxYamlBytes) {
    return invalid(name, {},
                   fmt::format("the file has {} bytes, expected at most {}", text.size(), kMaxYamlBytes));
  }
  YAML::Mark mark;
  for (std::size_t at = 0; at < text.size(); ++mark.column) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return invalid(name, mark, "invalid UTF-8, expected UTF-8 text");
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return invalid(name, mark, fmt::format("a control character (0x{:02x}), expected text", byte));
    }
    at += length;
    if (byte == '\n') {
      ++mark.line;
      mark.column = -1;
    }
  }
  return std::nullopt;
}

}  // namespace

base::Result<std::shared_ptr<const YamlNode>> read_yaml(const std::string& text, const std::string& name) {
  if (auto problem = text_problem(text, name)) return *problem;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    if (!builder.empty()) return builder.root();
    auto nothing = std::make_shared<YamlNode>();
    nothing->line = 1;
    return std::shared_ptr<const YamlNode>(std::move(nothing));
  } catch (const TreeError& error) {
    return invalid(name, error.mark(), error.what());
  } catch (const YAML::Exception& error) {
    return invalid(name, error.mark, fmt::format("not YAML: {}, expected lines of KEY: VALUE", error.msg));
  }
}

}  // namespace weir::config
