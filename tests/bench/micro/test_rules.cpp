#include "tests/bench/micro/test_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/rules/snapshot_builder.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kPagesOfAHost = 4;

// splitmix64: neighbouring numbers give different names.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

// The number makes the names unique, the letters give them different lengths.
void write_host(std::string_view prefix, std::uint64_t number, std::string& host) {
  const std::uint64_t bits = mixed(number);
  host = prefix;
  for (unsigned i = 0; i < 1 + bits % 14; ++i) host += static_cast<char>('a' + (bits >> (4 * i + 4)) % 16);
  host += '-';
  host += std::to_string(number);
  host += bits >> 63 == 0 ? ".example" : ".test";
}

std::uint32_t host_number(std::uint32_t rule) {
  return rule % 2 == 0 ? rule : rule / 2 / kPagesOfAHost * kPagesOfAHost * 2 + 1;
}

}  // namespace

std::string host_of_rule(std::uint32_t number) {
  std::string host;
  write_host("", host_number(number), host);
  return host;
}

void make_rule(std::uint32_t number, rules::Rule& rule) {
  const bool is_page = number % 2 == 1;
  write_host("", host_number(number), rule.host);
  rule.kind = is_page ? rules::RuleKind::url : rules::RuleKind::domain;
  rule.path = is_page ? kListedPath : "";
  const std::uint32_t page = number / 2 % kPagesOfAHost;
  if (is_page && page != 0) rule.path += std::to_string(page);
  rule.id = {number + 1};
}

std::string unlisted_host(std::uint64_t number) {
  std::string host;
  write_host("x.y-", number, host);
  return host;
}

std::vector<std::byte> build_snapshot(std::uint32_t count) {
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                 {{.name = "list"}});
  rules::Rule rule;
  for (std::uint32_t i = 0; i < count; ++i) {
    make_rule(i, rule);
    builder.add(rule);
  }
  return builder.build();
}

std::vector<std::byte> build_numbered_snapshot(std::uint32_t count) {
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                 {{.name = "list"}});
  rules::Rule rule;
  for (std::uint32_t i = 1; i <= count; ++i) {
    rule.id = {i};
    rule.host = "host" + std::to_string(i) + ".example.com";
    rule.kind = i % 2 == 0 ? rules::RuleKind::domain : rules::RuleKind::url;
    rule.path = i % 2 == 0 ? "" : kListedPath;
    builder.add(rule);
  }
  return builder.build();
}

}  // namespace weir::bench
