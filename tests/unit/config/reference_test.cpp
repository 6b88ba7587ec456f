#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/schema.h"
#include "config/settings.h"

namespace weir::config {
namespace {

void expect_generated(const char* name, const std::string& made) {
  const std::filesystem::path file = std::filesystem::path(WEIR_CONFIG_DIRECTORY) / name;
  std::ifstream stream(file, std::ios::binary);
  const std::string kept(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(kept, made)
      << "config/" << name
      << " is not what the schema gives. Generate it again, from the top of the source tree:\n"
         "  cmake --build --preset debug --target weir-config-reference && "
         "build/debug/bin/weir-config-reference config";
}

TEST(Reference, IsWhatTheSchemaGives) { expect_generated("reference.md", settings_reference_markdown()); }

TEST(JsonSchema, IsWhatTheSchemaGives) { expect_generated("weir.schema.json", settings_json_schema()); }

// Finds `a.b.c` among the nested properties.
nlohmann::json property(const nlohmann::json& schema, std::string_view key) {
  nlohmann::json at = schema;
  while (true) {
    const std::size_t dot = key.find('.');
    at = at.at("properties").at(std::string(key.substr(0, dot)));
    if (dot == std::string_view::npos) return at;
    key.remove_prefix(dot + 1);
  }
}

TEST(JsonSchema, HasEachSettingAndNoOther) {
  const auto schema = nlohmann::json::parse(settings_json_schema());
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const auto& row : settings_rows()) EXPECT_NO_THROW(property(schema, row.key)) << row.key;
  const auto lists = property(schema, "lists")["anyOf"][0];
  EXPECT_EQ(lists["maxItems"], 63);
  for (const auto& row : list_rows()) EXPECT_NO_THROW(property(lists["items"], row.key)) << row.key;
  EXPECT_EQ(lists["items"]["required"], nlohmann::json({"name"}));
  const auto ports = property(schema, "dataplane.ports")["anyOf"][0];
  EXPECT_EQ(ports["items"]["required"], nlohmann::json({"name", "device", "role"}));
  EXPECT_EQ(property(schema, "dataplane.mode")["anyOf"][0]["enum"],
            nlohmann::json({"inline", "mirror", "routed"}));
  EXPECT_EQ(property(schema, "dataplane.block.http.status")["anyOf"][0]["enum"],
            nlohmann::json({451, 403, 302}));
}

}  // namespace
}  // namespace weir::config
