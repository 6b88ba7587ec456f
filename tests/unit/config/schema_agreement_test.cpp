#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "config/yaml_tree.h"

namespace weir::config {
namespace {

using Json = nlohmann::json;

// The document as a YAML 1.2 reader gives it to a JSON Schema validator.
Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return nullptr;
    case YamlNode::Kind::scalar: {
      if (node.quoted) return node.text;
      if (node.text == "true" || node.text == "false") return node.text == "true";
      static const std::regex number("-?(0|[1-9][0-9]*)(\\.[0-9]+)?");
      return std::regex_match(node.text, number) ? Json::parse(node.text) : Json(node.text);
    }
    case YamlNode::Kind::sequence: {
      Json items = Json::array();
      for (const auto& item : node.items) items.push_back(to_json(*item));
      return items;
    }
    case YamlNode::Kind::mapping:
      break;
  }
  Json object = Json::object();
  for (const auto& entry : node.entries) object[entry.key] = to_json(*entry.value);
  return object;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  throw std::logic_error("a type that the validator does not know: " + type);
}

// The keywords of draft 7 that the schema uses. Any other keyword is an error, so that none goes unchecked.
class Validator {
 public:
  static bool accepts(const Json& schema, const Json& value) {
    for (const auto& [keyword, rule] : schema.items()) {
      if (!holds(keyword, rule, schema, value)) return false;
    }
    return true;
  }

 private:
  static bool holds(const std::string& keyword, const Json& rule, const Json& schema, const Json& value) {
    if (keyword == "$schema" || keyword == "title" || keyword == "description") return true;
    if (keyword == "type") return holds_type(rule, value);
    if (keyword == "const") return value == rule;
    if (keyword == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
    if (keyword == "anyOf") {
      return std::any_of(rule.begin(), rule.end(), [&](const Json& each) { return accepts(each, value); });
    }
    if (keyword == "minimum") return !value.is_number() || value >= rule;
    if (keyword == "maximum") return !value.is_number() || value <= rule;
    if (keyword == "pattern") {
      return !value.is_string() ||
             std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    }
    if (keyword == "maxItems") return !value.is_array() || value.size() <= rule.get<std::size_t>();
    if (keyword == "items") {
      return !value.is_array() ||
             std::all_of(value.begin(), value.end(), [&](const Json& item) { return accepts(rule, item); });
    }
    if (keyword == "required") {
      return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const Json& name) {
        return value.contains(name.get<std::string>());
      });
    }
    if (keyword == "properties") return holds_properties(rule, value);
    if (keyword == "additionalProperties") return holds_no_others(schema.at("properties"), value);
    throw std::logic_error("a keyword that the validator does not know: " + keyword);
  }

  static bool holds_type(const Json& rule, const Json& value) {
    if (rule.is_string()) return has_type(value, rule.get<std::string>());
    return std::any_of(rule.begin(), rule.end(),
                       [&](const Json& type) { return has_type(value, type.get<std::string>()); });
  }

  static bool holds_properties(const Json& rule, const Json& value) {
    if (!value.is_object()) return true;
    for (const auto& [name, schema] : rule.items()) {
      if (value.contains(name) && !accepts(schema, value.at(name))) return false;
    }
    return true;
  }

  static bool holds_no_others(const Json& properties, const Json& value) {
    if (!value.is_object()) return true;
    for (const auto& [name, child] : value.items()) {
      if (!properties.contains(name)) return false;
    }
    return true;
  }
};

bool schema_accepts(const std::string& text) {
  static const Json schema = Json::parse(settings_json_schema());
  const auto tree = read_yaml(text, "f");
  if (!tree) throw std::logic_error(tree.error().message);
  return Validator::accepts(schema, to_json(*tree.value()));
}

TEST(JsonSchema, AcceptsTheSample) {
  std::ifstream stream(std::filesystem::path(WEIR_CONFIG_DIRECTORY) / "weir.yaml", std::ios::binary);
  ASSERT_TRUE(stream);
  EXPECT_TRUE(schema_accepts({std::istreambuf_iterator<char>(stream), {}}));
}

struct AgreementCase {
  std::string text;
  bool good;
};

// The reader and the schema judge each single value alike.
TEST(JsonSchema, AgreesWithTheReader) {
  const auto dataplane = [](const char* more) { return std::string("dataplane: {") + more + "}"; };
  const auto control = [](const char* more) { return std::string("control: {") + more + "}"; };
  const auto feed = [](const char* more) {
    return std::string("lists: [{name: a, url: 'https://feed.example/', ") + more + "}]";
  };
  const std::vector<AgreementCase> cases{
      {"", true},
      {"dataplane:\n", true},
      {"lists:\n", true},
      {"lists: [~]", false},
      {"lists: [{name: a, type: manual, guards: }]", true},
      {"colour: red", false},
      {dataplane("eal: [-m, 512, '--no-pci']"), true},
      {dataplane("eal: ['a b']"), false},
      {dataplane("eal: ['']"), false},
      {dataplane("eal: -m"), false},
      {dataplane("mode: inline"), true},
      {dataplane("mode: mirror"), true},
      {dataplane("mode: routed"), true},
      {dataplane("mode: bridged"), false},
      {dataplane(
           "mode: routed, ports: [{name: h, device: d, role: one-arm, addresses: [192.0.2.1/24], next_hops: "
           "[192.0.2.2]}]"),
       true},
      {dataplane(
           "mode: routed, ports: [{name: h, device: d, role: one-arm, addresses: [192.0.2.1], next_hops: "
           "[192.0.2.2]}]"),
       false},
      // Old names are accepted.
      {dataplane(
           "mode: routed, ports: [{name: h, device: d, role: hop, addresses: [192.0.2.1/24], next_hops: "
           "[192.0.2.2]}]"),
       true},
      {dataplane("fail: {handover: closed}"), true},  // an old name
      {dataplane("fail: {handover: ajar}"), false},   // an old name
      {dataplane("routed: {icmp_errors_per_second: 100001}"), false},
      {dataplane("enforcement: bypass"), true},
      {dataplane("idle: 'sleep'"), true},
      {dataplane("idle: slep"), false},
      {dataplane("workers: [0, 127]"), true},
      {dataplane("workers: [128]"), false},
      {dataplane("workers: 1"), false},
      {dataplane("socket: ''"), false},
      {dataplane("socket: run/a"), false},
      {dataplane("snapshot_dir: ''"), false},
      {dataplane("snapshot_dir: \"/a\\nb\""), false},
      {dataplane("inspect: {http: any, tls: 'any', quic: []}"), true},
      {dataplane("inspect: {http: [1, 65535]}"), true},
      {dataplane("inspect: {http: [0]}"), false},
      {dataplane("inspect: {http: ['80']}"), false},
      {dataplane("inspect: {http: all}"), false},
      {dataplane("block: {http: {status: 404}}"), false},
      {dataplane("block: {http: {page: '', redirect: null}}"), true},
      {dataplane("block: {http: {operator: '', reason: 'a <b> & c', contact: null}}"), true},
      {dataplane("block: {http: {contact: \"a\\tb\"}}"), false},
      {dataplane("block: {http: {segment_bytes: 1461}}"), false},
      {dataplane("block: {http: {blocked_by: 'https://isp.example/a?b=c#d'}}"), true},
      {dataplane("block: {http: {blocked_by: 'https://[2001:db8::7]:8443/'}}"), true},
      {dataplane("block: {http: {blocked_by: 'https:///'}}"), false},
      {dataplane("block: {http: {blocked_by: 'https://a.example/>'}}"), false},
      {dataplane("block: {http: {blocked_by: 'https://a.example/`'}}"), false},
      {dataplane("block: {http: {blocked_by: isp.example}}"), false},
      {dataplane("mbufs: {count: 1023}"), false},
      {dataplane("mbufs: {count: '2048'}"), false},
      {dataplane("flows: {lifetime: '90s'}"), true},
      {dataplane("flows: {lifetime: 90}"), false},
      {dataplane("flows: {lifetime: 09s}"), false},
      {control("metrics: {listen: ''}"), true},
      {control("metrics: {listen: '[::1]:9477'}"), true},
      {control("metrics: {listen: 'localhost:9477'}"), true},
      {control("metrics: {listen: '::1:9477'}"), false},
      {control("metrics: {listen: '[::1]:1,0.0.0.0:9477'}"), false},
      {control("metrics: {listen: localhost}"), false},
      {control("keep_generations: 0"), false},
      {control("roles: {read: [weir, 1000]}"), true},
      {feed("subdomains: true"), true},
      {feed("subdomains: 'true'"), false},
      {feed("format: csv"), true},
      {feed("format: xml"), false},
      {feed("profile: csv"), true},  // an old name
      {feed("profile: xml"), false},
      {feed("csv: {separator: comma, header: false, url_column: '2'}"), true},
      {feed("csv: {separator: ','}"), false},
      {feed("json: {entries: /data/a~1b, url: '', serial: /~0}"), true},
      {feed("json: {entries: data}"), false},
      {feed("json: {url: /a~2}"), false},
      {feed("max_bytes: 1023"), false},
      {feed("verify: {type: sha256}"), true},
      {feed("verify: {type: sha256, url: 'https://feed.example/sums'}"), true},
      {feed("verify: {type: sha256, url: 'http://feed.example/sums'}"), false},
      {feed("verify: {public_key: RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy}"), true},
      {feed("verify: {public_key: RWQgHevBm548yAGn}"), false},
      {feed("proxy: 'http://proxy.example:3128'"), true},
      {feed("proxy: proxy.example"), false},
      {feed("guards: {refuse_older: false}"), true},
      {feed("delta: {url: 'https://feed.example/changes?since={token}', full_every: 12h}"), true},
      {feed("delta: {url: 'https://feed.example/{token}/changes', token_header: ETag}"), true},
      {feed("delta: {url: ''}"), true},
      {feed("delta: {url: 'https://feed.example/changes'}"), false},
      {feed("delta: {url: 'https://{token}.example/changes'}"), false},
      {feed("delta: {url: 'https://{token}.example/{token}'}"), false},
      {feed("delta: {url: 'http://feed.example/{token}'}"), false},
      {feed("delta: {url: 'file:///etc/changes-{token}'}"), false},
      {feed("delta: {token_header: 'X Token'}"), false},
      {feed("delta: {token: token}"), false},
      {feed("guards: {max_shrink_percent: 101}"), false},
      {feed("intervall: 5m"), false},
      {"lists: [{type: manual}]", false},
      {"lists: [{name: A, type: manual}]", false},
      {"lists: [{name: a, url: 'http://feed.example/'}]", false},
      {"lists: [{name: a, url: 'https://:443/'}]", false},
      {"lists: [{name: a, url: 'file:///etc/list'}]", true},
      {"protected_hosts: hosts", false},
      {"protected_hosts: ''", true},
  };
  for (const auto& each : cases) {
    const auto settings = parse_settings(each.text, "f", Audience::client);
    EXPECT_EQ(settings.ok(), each.good) << each.text << '\n' << (settings ? "" : settings.error().message);
    EXPECT_EQ(schema_accepts(each.text), each.good) << each.text;
  }
}

}  // namespace
}  // namespace weir::config
