#include "config/yaml_tree.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(ReadYaml, KeepsLinesKindsAndDuplicates) {
  const auto tree = read_yaml("a: 1\nb:\n  - x\n  - 'null'\n  - null\na: [2]\n", "f");
  ASSERT_TRUE(tree) << tree.error().message;
  const YamlNode& root = *tree.value();
  ASSERT_EQ(root.entries.size(), 3U);
  EXPECT_EQ(root.entries[0].key, "a");
  EXPECT_EQ(root.entries[0].line, 1U);
  EXPECT_EQ(root.entries[0].value->text, "1");
  const YamlNode& list = *root.entries[1].value;
  ASSERT_EQ(list.items.size(), 3U);
  EXPECT_EQ(list.items[0]->line, 3U);
  EXPECT_FALSE(list.items[0]->quoted);
  EXPECT_EQ(list.items[1]->kind, YamlNode::Kind::scalar);
  EXPECT_TRUE(list.items[1]->quoted);
  EXPECT_EQ(list.items[2]->kind, YamlNode::Kind::null);
  EXPECT_EQ(root.entries[2].key, "a");
  EXPECT_EQ(root.entries[2].line, 6U);
}

TEST(ReadYaml, TakesMarkedTextAndForeignLineEnds) {
  for (const std::string text : {"a: '5'\nb: x\n", "a: !!str 5\nb: x\n",
                                 "\xef\xbb\xbf"
                                 "a: '5'\nb: x\n",
                                 "a: '5'\r\nb: x\r\n"}) {
    const auto tree = read_yaml(text, "f");
    ASSERT_TRUE(tree) << text << tree.error().message;
    ASSERT_EQ(tree.value()->entries.size(), 2U) << text;
    EXPECT_EQ(tree.value()->entries[0].key, "a") << text;
    EXPECT_EQ(tree.value()->entries[0].value->text, "5") << text;
    EXPECT_TRUE(tree.value()->entries[0].value->quoted) << text;
    EXPECT_EQ(tree.value()->entries[1].line, 2U) << text;
    EXPECT_EQ(tree.value()->entries[1].value->text, "x") << text;
  }
}

struct BrokenYamlCase {
  const char* description;
  std::string text;
  std::string message;
};

TEST(ReadYaml, SaysWhereAndWhatIsWrong) {
  const std::vector<BrokenYamlCase> cases{
      {"an open bracket", "a: [1, 2\n",
       "f:2: column 1: not YAML: end of sequence flow not found, expected lines of KEY: VALUE"},
      {"a tab", "a:\n\tb: 1\n", "f:2: column 3: not YAML: illegal map value, expected lines of KEY: VALUE"},
      {"wrong indentation", "a: 1\n b: 2\n",
       "f:2: column 3: not YAML: illegal map value, expected lines of KEY: VALUE"},
      {"an unknown alias", "a: *b\n",
       "f:1: column 4: not YAML: the referenced anchor is not defined, expected lines of KEY: VALUE"},
      {"two documents", "a: 1\n---\nb: 2\n",
       "f:2: column 1: not part of the document above, expected one document with consistent indentation"},
      {"less indented than what is above", "  a: 1\nb: 2\n",
       "f:2: column 1: not part of the document above, expected one document with consistent indentation"},
      {"a tag of another program", "a: !vault |\n  abc\n",
       "f:1: column 4: a value with a tag, expected a value without one"},
      {"a tag on a list", "a: !include [b]\n",
       "f:1: column 4: a value with a tag, expected a value without one"},
      {"a tag on a mapping", "a: !!map {b: c}\n",
       "f:1: column 4: a value with a tag, expected a value without one"},
      {"a number by its tag", "a: !!int 5\n",
       "f:1: column 4: a value with a tag, expected a value without one"},
      {"a list for a key", "[a, b]: 1\n", "f:1: column 1: a key that is not a word, expected KEY: VALUE"},
      {"an alias within itself", "a: &x [*x]\n",
       "f:1: column 8: an alias within its own anchor, expected a value"},
      {"NUL", std::string("a: 1\nb: \0 2\n", 12), "f:2: column 4: a control character (0x00), expected text"},
      {"end of transmission", "a: 1\n\x04\nb: 2\n",
       "f:2: column 1: a control character (0x04), expected text"},
      {"Latin-1", "a: gr\xfc\xdf\n", "f:1: column 6: invalid UTF-8, expected UTF-8 text"},
      {"an overlong form", "a: \xc0\xaf\n", "f:1: column 4: invalid UTF-8, expected UTF-8 text"},
      {"a surrogate", "a: \xed\xa0\x80\n", "f:1: column 4: invalid UTF-8, expected UTF-8 text"},
      {"cut within a letter", "a: \xc3", "f:1: column 4: invalid UTF-8, expected UTF-8 text"},
      {"UTF-16",
       std::string("\xff\xfe"
                   "a\0",
                   4),
       "f:1: column 1: invalid UTF-8, expected UTF-8 text"},
  };
  for (const auto& each : cases) {
    const auto tree = read_yaml(each.text, "f");
    ASSERT_FALSE(tree) << each.description;
    EXPECT_EQ(tree.error().code, "config_invalid") << each.description;
    EXPECT_EQ(tree.error().message, each.message) << each.description;
  }
}

// Each level names the one before ten times: a billion values when expanded.
TEST(ReadYaml, LimitsTheExpansionOfAliases) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 10; ++level) {
    const std::string before = "*a" + std::to_string(level - 1);
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + before;
    for (int i = 1; i < 10; ++i) text += ", " + before;
    text += "]\n";
  }
  const auto tree = read_yaml(text, "f");
  ASSERT_FALSE(tree);
  EXPECT_NE(tree.error().message.find("too large, expected at most 65536 values"), std::string::npos);
}

TEST(ReadYaml, LimitsDepthAndSize) {
  for (const std::string& text : {std::string(100000, '['), "a: " + std::string(100000, '{')}) {
    const auto tree = read_yaml(text, "f");
    ASSERT_FALSE(tree);
    EXPECT_NE(tree.error().message.find("nested too deeply, expected at most 32 levels"), std::string::npos)
        << tree.error().message;
  }
  std::string block;
  for (std::size_t i = 0; i < 1000; ++i) block += std::string(i, ' ') + "a:\n";
  EXPECT_FALSE(read_yaml(block, "f"));
  EXPECT_FALSE(read_yaml("a: " + std::string(kMaxYamlBytes, 'x'), "f"));
  EXPECT_TRUE(read_yaml("a: " + std::string(kMaxYamlBytes - 3, 'x'), "f"));
}

}  // namespace
}  // namespace weir::config
