#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/rules/rule.h"

namespace weir::bench {

/// The page of every rule for a page.
inline constexpr const char* kListedPath = "/a/b/page.html";

/// A list like a mix of hotlines' lists and blocklists: even rules are domains, odd rules are pages, and each
/// host has four pages. Names are pseudo-random, 13 to 30 bytes long.
std::string host_of_rule(std::uint32_t number);
/// Fills in `rule`, whose strings keep their memory. The rule's id is `number` + 1. The first page of a host
/// is kListedPath.
void make_rule(std::uint32_t number, rules::Rule& rule);
/// A host that no rule of make_rule() matches, neither itself nor its parent domains.
std::string unlisted_host(std::uint64_t number);

/// The snapshot of make_rule(0 ... count - 1), on one list.
std::vector<std::byte> build_snapshot(std::uint32_t count);

/// A snapshot of hostN.example.com for N from 1 to `count`: the domain if N is even, kListedPath if N is odd.
std::vector<std::byte> build_numbered_snapshot(std::uint32_t count);

}  // namespace weir::bench
